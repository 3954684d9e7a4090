"""Who may do what with a mailbox, and how somebody reaches one."""

from dataclasses import dataclass
from enum import Enum, IntFlag
from functools import cache

from postroad.model.ids import AccountId, MailboxId, MailboxName, TenantId
from postroad.model.mailbox import Flags, Mailbox, SpecialUse
from postroad.model.virtual import is_virtual


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


ALL_RIGHTS = Rights(2047)
# RFC 4314 section 4, the flags that each of the rights allows.
_ALLOWED = {
    Rights.SEEN: Flags.SEEN,
    Rights.WRITE: Flags.ANSWERED | Flags.FLAGGED | Flags.DRAFT,
    Rights.DELETE_MESSAGES: Flags.DELETED,
}


@cache
def flags_allowed(rights: Rights) -> Flags:
    """The system flags that may be changed with these rights; keywords need `Rights.WRITE`."""
    allowed = Flags.NONE
    for right, flags in _ALLOWED.items():
        if right in rights:
            allowed |= flags
    return allowed


class Group(Enum):
    """Identifiers that are no account. Both mean all people of the owner's tenant."""

    ANYONE = "anyone"
    AUTHENTICATED = "authenticated"


Identifier = AccountId | Group


@dataclass(frozen=True, slots=True)
class AclEntry:
    """Rights of an identifier; `negative` ones are taken away from what others give it."""

    identifier: str  # the account's address, or the name of the group
    negative: bool
    rights: Rights


class AclAction(Enum):
    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class AclChange:
    """What SETACL asks for (RFC 4314 section 3.1)."""

    identifier: Identifier
    negative: bool
    action: AclAction
    rights: Rights

    def applied(self, before: Rights) -> Rights:
        match self.action:
            case AclAction.REPLACE:
                return self.rights
            case AclAction.ADD:
                return before | self.rights
            case AclAction.REMOVE:
                return before & ~self.rights


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at mailboxes: a person of a tenant."""

    account: AccountId
    tenant: TenantId


@dataclass(frozen=True, slots=True)
class SharedMailbox:
    """A mailbox of somebody else, and the rights that the viewer has; they may be none."""

    owner: AccountId
    address: str  # of the owner
    of_shared_account: bool
    mailbox: Mailbox
    rights: Rights


@dataclass(frozen=True, slots=True)
class Side:
    """Where messages come from or go to; `viewer` is whose own \\Seen counts there, if any."""

    owner: AccountId
    mailbox: MailboxId
    viewer: AccountId | None = None


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
    viewer: AccountId | None = None  # whose own \\Seen counts; None: that of the mailbox
    visitor: AccountId | None = None  # who came here; None: its owner

    @property
    def actor(self) -> AccountId:
        """Who does what is done here."""
        return self.owner if self.visitor is None else self.visitor

    @property
    def side(self) -> Side:
        return Side(self.owner, self.mailbox.mailbox_id, self.viewer)

    @property
    def owner(self) -> AccountId:
        return self.spot.owner

    @property
    def name(self) -> MailboxName:
        """As the viewer calls it."""
        return MailboxName(self.spot.prefix + self.mailbox.name)

    @property
    def is_virtual(self) -> bool:
        return is_virtual(self.mailbox.mailbox_id)

    @property
    def special_use(self) -> SpecialUse | None:
        """What the viewer's programs are to use it for; of others' mailboxes nothing."""
        return None if self.spot.is_foreign else self.mailbox.special_use

    @property
    def id_prefix(self) -> str:
        """Keeps identifiers apart that are unique within an account only."""
        return f"{self.owner}_" if self.spot.is_foreign else ""
