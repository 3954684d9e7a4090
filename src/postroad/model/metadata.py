"""Annotations of mailboxes and of the server (RFC 5464)."""

from dataclasses import dataclass

from postroad.model.ids import AccountId, MailboxId

PRIVATE = "/private/"
SHARED = "/shared/"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is annotated, and whose private annotations are meant."""

    owner: AccountId  # where the shared annotations lie
    mailbox: MailboxId | None  # None: the server
    viewer: AccountId

    def owner_of(self, entry: str) -> AccountId:
        """Private annotations of the server lie with the viewer; all others with the owner."""
        return self.viewer if self.mailbox is None and is_private(entry) else self.owner

    @property
    def owners(self) -> tuple[AccountId, ...]:
        """All with whom annotations lie, in the order in which they are locked."""
        return (
            (self.owner,) if self.mailbox is not None else tuple(sorted({self.owner, self.viewer}))
        )


@dataclass(frozen=True, slots=True)
class AnnotationLimits:
    """Bounds; RFC 5464 section 4.1 asks for at least 1024 octets and 10 entries."""

    value_octets: int = 32_768
    entries: int = 1000
    """Of one mailbox, or of the server: shared ones, and private ones of each viewer."""
    octets: int = 2**20
    """Of one account: names and values together, of the shared ones and of each viewer's."""


def is_private(entry: str) -> bool:
    return entry.startswith(PRIVATE)
