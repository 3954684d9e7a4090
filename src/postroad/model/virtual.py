"""Virtual mailboxes: saved searches over the mailboxes of an account, with UIDs of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroad.model.ids import MailboxId, ModSeq, Uid
from postroad.model.mailbox import Mailbox, SpecialUse

PREFIX = "Virtual/"
MAX_VIRTUAL = 100  # of one account, the built-in ones among them


def is_virtual(mailbox: MailboxId) -> bool:
    """Ids of virtual mailboxes are negative, so that one id is enough to name either kind."""
    return mailbox < 0


@dataclass(frozen=True, slots=True)
class NewVirtual:
    """`name` is without the prefix. No `within` means all mailboxes but junk and trash."""

    name: str
    search: str  # search keys of RFC 9051 section 6.4.4
    within: tuple[str, ...] = ()
    special_use: SpecialUse | None = None  # the built-in ones have one


BUILT_IN = (
    NewVirtual("All Mail", "ALL", special_use=SpecialUse.ALL),
    NewVirtual("Starred", "FLAGGED", special_use=SpecialUse.FLAGGED),
)


@dataclass(frozen=True, slots=True)
class VirtualMailbox:
    mailbox: Mailbox  # `name` with the prefix
    search: str
    within: tuple[str, ...]
    folded: ModSeq  # changes of the account up to here are in it
    scope: frozenset[MailboxId]  # the mailboxes that were looked at then

    @property
    def is_built_in(self) -> bool:
        return self.mailbox.special_use is not None


@dataclass(frozen=True, slots=True)
class VirtualState:
    """A virtual mailbox, and the account that it is about, as they were at one moment."""

    virtual: VirtualMailbox
    mod_seq: ModSeq  # of the account
    mailboxes: Sequence[Mailbox]


@dataclass(frozen=True, slots=True)
class Look:
    """What a search found in one mailbox.

    It was asked about `uids`; None is all. Those that stay are told as changed where `changed`.
    """

    mailbox: MailboxId
    uids: Sequence[Uid] | None
    matching: Sequence[Uid]
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Fold:
    """Looks that began when the account's `mod_seq` was `at`, on what was folded up to `since`."""

    since: ModSeq
    at: ModSeq
    looks: Sequence[Look]
    scope: frozenset[MailboxId]
    is_last: bool  # nothing of what happened up to `at` is left
