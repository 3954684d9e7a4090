"""What is spoilt in an SQLite file is found."""

from pathlib import Path

import apsw

from adapters.sql.check_contract import CheckContract
from stores.making import Stores

TestCheck = CheckContract


async def test_integrity_check_is_part_of_it(stores: Stores, path: Path) -> None:
    """An index that does not agree with its table."""
    await stores.account()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'name', 'mod_seq')"
                       " WHERE name = 'mailbox_name'")  # fmt: skip
    connection.close()
    faults = await stores.references.check()
    assert any(str(path) in fault for fault in faults), faults
