"""SQLite does what every store must do."""

from stores.changes_contract import ChangesContract
from stores.mail_contract import AppendContract, DeliverContract, FlagsContract, MoveContract
from stores.mailboxes_contract import MailboxesContract


class TestMailboxes(MailboxesContract):
    pass


class TestAppend(AppendContract):
    pass


class TestDeliver(DeliverContract):
    pass


class TestFlags(FlagsContract):
    pass


class TestMove(MoveContract):
    pass


class TestChanges(ChangesContract):
    pass
