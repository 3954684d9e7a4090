"""`check` of the SQL stores tells what was spoilt, on both engines."""

import pytest

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.model.ids import Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.model.sharing import AclAction, AclChange, Group, Rights
from stores.making import Stores, arrival, blob, email

FAULTS = [
    ("UPDATE mailbox SET messages = messages + 1 WHERE name = 'INBOX'", "says 4 messages"),
    ("UPDATE mailbox SET octets = octets - 1 WHERE name = 'INBOX'", "says 299 octets"),
    ("UPDATE mailbox SET uid_next = 3 WHERE name = 'INBOX'", "UIDNEXT is 3"),
    ("UPDATE placement SET mod_seq = mod_seq + 1000 WHERE uid = 2", "HIGHESTMODSEQ"),
    ("UPDATE owner SET used_octets = 7 WHERE used_octets > 0", "says 7 octets used"),
    ("UPDATE placement SET email_id = 4711 WHERE uid = 1", "no email row"),
    ("DELETE FROM blob_ref", "holds no reference"),
    ("DELETE FROM placement WHERE uid = 2", "has 2"),
    ("DELETE FROM placement WHERE uid = 2", "UID 2 was seen and is gone"),
    ("DELETE FROM mailbox WHERE name = 'INBOX'", "which is gone"),
    ("DELETE FROM shared_with", "is not told of them"),
]


class CheckContract:
    @pytest.mark.parametrize(("fault", "told"), FAULTS)
    async def test_planted_faults_are_found(
        self, stores: Stores, engine: Engine, fault: str, told: str
    ) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        emails = [arrival(email(blob_id=blob())) for _ in range(3)]
        await stores.mail.append(account, inbox, emails)
        everybody = AclChange(Group.ANYONE, False, AclAction.REPLACE, Rights.READ)
        tenant, viewer = await stores.tenant(), await stores.account("bob")
        await stores.sharing.change_acl(tenant, account, inbox, everybody)
        seen = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
        await stores.mail.store_flags(account, inbox, [Uid(2)], seen, None, viewer)
        assert await stores.references.check() == []

        def spoil() -> Steps[None]:
            yield Run(Sql(fault), {})

        await engine.write(spoil)
        faults = await stores.references.check()
        assert any(told in one for one in faults), faults
