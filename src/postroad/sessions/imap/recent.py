"""\\Recent as one session sees it (RFC 3501 section 2.3.2); IMAP4rev2 has no more of it."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import cast

from postroad.core.mailbox.service import MailboxService
from postroad.model.mailbox import Mailbox
from postroad.model.sharing import Place
from postroad.wire.imap.responses import Told


class RecentMessages:
    """The messages that this session was the first to be told of.

    A session that only looks takes them from nobody.
    """

    def __init__(self) -> None:
        self._uids: list[range] = []  # ascending, apart
        self._seen = 0  # up to here the session knows

    async def look(
        self, mailboxes: MailboxService, place: Place, mailbox: Mailbox, *, take: bool
    ) -> None:
        """Claim what is new in the mailbox, as it is in the snapshot."""
        if mailbox.uid_next <= self._seen:
            return
        if take:
            fresh = await mailboxes.claim_recent(place, mailbox)
        else:
            fresh = range(max(mailbox.first_recent, self._seen), mailbox.uid_next)
        self._seen = mailbox.uid_next
        if fresh:
            self._uids.append(fresh)

    def forget(self) -> None:
        """The client turned IMAP4rev2 on."""
        self._uids.clear()

    def count(self, uids: Sequence[int]) -> int:
        """How many of ascending `uids`."""
        return sum(
            bisect_left(uids, each.stop) - bisect_left(uids, each.start) for each in self._uids
        )

    def __contains__(self, uid: int) -> bool:
        return any(uid in each for each in self._uids)

    def marked(self, uids: Sequence[int], told: Told) -> Told:
        """FLAGS of ascending `uids`, with \\Recent where it belongs."""
        if not self._uids or not uids or uids[-1] < self._uids[0].start:
            return told
        values = cast("list[bytes]", list(told.values))  # FLAGS are octets
        recent = {value: _with_recent(value) for value in set(values)}
        for each in self._uids:
            first, end = bisect_left(uids, each.start), bisect_left(uids, each.stop)
            values[first:end] = [recent[value] for value in values[first:end]]
        return Told(told.form, values)


def _with_recent(flags: bytes) -> bytes:
    known = flags.removeprefix(b"FLAGS (").removesuffix(b")")
    return b"FLAGS (%b)" % b" ".join([b"\\Recent", known] if known else [b"\\Recent"])
