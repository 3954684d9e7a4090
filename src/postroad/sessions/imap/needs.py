"""What the IMAP session asks of the core beyond mailboxes and logins."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from postroad.base.moments import Moment
from postroad.model.ids import AccountId, MailboxId, Uid
from postroad.model.mailbox import Appended, Flags, Replaced
from postroad.model.sharing import Place


class IncomingMessages(Protocol):
    """Messages of APPEND on their way in, one after the other; all are stored, or none is.

    `close` must be called at the end and is harmless.
    """

    @abstractmethod
    async def write(self, chunk: bytes) -> None:
        """Raises `TooLarge`, `LowSpace`, `TryLater`; after an error nothing more is written."""
        ...

    @abstractmethod
    async def next(
        self,
        flags: Flags,
        keywords: frozenset[str],
        internal_date: Moment | None,
        octets: int,
    ) -> None:
        """The message is whole; what is written from now on is another of `octets` octets.

        Raises `OverQuota`, `TooLarge`, `Invalid`, `LowSpace`, `TryLater`.
        """
        ...

    @abstractmethod
    async def finish(
        self, flags: Flags, keywords: frozenset[str], internal_date: Moment | None
    ) -> Appended:
        """The last message is whole: make all durable in their mailbox; None is now.

        Raises `NoSuchTarget`, `OverQuota`, `Invalid`, `LowSpace`, `TryLater`.
        """
        ...

    @abstractmethod
    def close(self) -> None:
        """Give the spool back."""
        ...


class Appending(Protocol):
    @abstractmethod
    async def open(
        self, target: Place, octets: int, replaces: Replaced | None = None
    ) -> IncomingMessages:
        """Begin a message of `octets` octets, which may take the place of another.

        Raises `OverQuota`, `TooLarge`, `LowSpace`, `NotFound` (what is to be replaced): all that
        is known beforehand.
        """
        ...


class TextSearch(Protocol):
    """Substrings in messages (RFC 9051 section 6.4.4), case and encodings set aside."""

    @abstractmethod
    async def with_header(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        field: str,
        text: str,
    ) -> Collection[Uid]:
        """Those of `uids` with a field of that name (lower case) that contains `text`.

        An empty `text` matches wherever the field is there.
        """
        ...

    @abstractmethod
    async def with_text(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        text: str,
        *,
        in_header: bool,
    ) -> Collection[Uid]:
        """Those of `uids` that contain `text` in the body, or with `in_header` anywhere."""
        ...
