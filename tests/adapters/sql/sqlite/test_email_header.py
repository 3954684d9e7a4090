"""Rows of headers go with their emails, and old emails have none."""

from pathlib import Path

import apsw

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Run, Sql, Steps, integer
from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from stores.making import FUTURE, Stores
from stores.reference_contract import remove


async def count(engine: Engine) -> int:
    def operation() -> Steps[int]:
        rows = yield Run(Sql("SELECT count(*) FROM email_header"), {})
        return integer(rows[0][0])

    return await engine.read(operation)


async def test_an_old_email_says_nothing_of_its_header(stores: Stores, path: Path) -> None:
    account = await stores.account()
    inbox = (await stores.mailbox(account)).mailbox_id
    await stores.fill(account, inbox, 3)
    connection = apsw.Connection(str(path))
    connection.execute(
        "DELETE FROM email_header WHERE email_id IN (SELECT max(email_id) FROM email)"
    )
    connection.close()
    uids = [Uid(1), Uid(2), Uid(3)]
    rows = await stores.mail.rows(account, inbox, uids, [Column.HEADER_FIELDS])
    assert rows[2] == (3, None)
    assert rows[1][1] is not None
    rows = await stores.mail.rows(account, inbox, uids, [Column.SIZE, Column.ORIGIN])
    assert rows[2] == (3, 100, None)
    found, octets = await stores.mail.octets_of(account, inbox, uids, [Column.ORIGIN])
    assert (list(found), octets) == ([1, 2, 3], [b"\x01\0", b"\x01\0", b""])


async def test_forgotten_emails_leave_no_row(stores: Stores, engine: Engine) -> None:
    account = await stores.account()
    await stores.fill(account, (await stores.mailbox(account)).mailbox_id, 3)
    await remove(stores, account, 1, 2)
    assert await count(engine) == 3
    await stores.references.purge_expunged(FUTURE, 10)
    assert await count(engine) == 1
    await stores.directory.delete_account(account)
    assert await count(engine) == 0
