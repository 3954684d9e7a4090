"""Who may do what with a mailbox, and how somebody reaches one."""

from dataclasses import dataclass
from enum import IntFlag

from postroad.model.ids import AccountId, MailboxName, TenantId
from postroad.model.mailbox import Mailbox


class Rights(IntFlag):
    """The rights of RFC 4314 section 2.1, as the store keeps them."""

    NONE = 0
    LOOKUP = 1  # l: see that it is there
    READ = 2  # r: select it, STATUS
    SEEN = 4  # s: change \Seen
    WRITE = 8  # w: change flags other than \Seen and \Deleted
    INSERT = 16  # i: APPEND, COPY into it
    POST = 32  # p: kept for the client; it allows nothing here
    CREATE = 64  # k: mailboxes below it
    DELETE = 128  # x: the mailbox itself
    DELETE_MESSAGES = 256  # t: change \Deleted
    EXPUNGE = 512  # e
    ADMIN = 1024  # a: read and change the rights


ALL_RIGHTS = ~Rights.NONE


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at mailboxes: a person of a tenant."""

    account: AccountId
    tenant: TenantId


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a name leads, whether or not a mailbox is there."""

    owner: AccountId
    name: MailboxName  # as the owner calls it
    prefix: str = ""  # what the viewer writes before it

    @property
    def is_foreign(self) -> bool:
        return bool(self.prefix)


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox as one viewer reaches it."""

    spot: Spot
    mailbox: Mailbox
    rights: Rights = ALL_RIGHTS

    @property
    def owner(self) -> AccountId:
        return self.spot.owner

    @property
    def name(self) -> MailboxName:
        """As the viewer calls it."""
        return MailboxName(self.spot.prefix + self.mailbox.name)
