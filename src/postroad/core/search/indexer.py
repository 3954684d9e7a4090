"""Bringing the search index up to date in the background, account by account."""

import logging
from collections.abc import Sequence

from postroad.base.errors import TryLater
from postroad.core.search.fieldtexts import known_fields
from postroad.core.search.folding import folded
from postroad.core.search.plan import Message, Plan, Wanted, batches, make_plan
from postroad.core.search.reading import read
from postroad.model.ids import AccountId, BlobId, EmailId
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.mail import MailStore
from postroad.stores.search import MessageText, SearchIndex

_ROWS = 200
_BATCH_OCTETS = 4 * 1024 * 1024
_BATCH_MESSAGES = 100
_ENOUGH = 50
# Limit: a message with more text than this is searched by reading it.
_WANTED = Wanted(header=True, body_octets=2 * 1024 * 1024)
_MAX_CHARS = 1024 * 1024

log = logging.getLogger(__name__)


class Indexer:
    """Call `note` for each message that arrives, and `work` every few seconds.

    A few new messages are searched faster than a file is opened to index them, so an account
    waits until there are `_ENOUGH`, or `wake` is called: at start for every account, and when a
    search finds its index behind. Accounts take turns, a batch of messages each. Where an
    account's index stands is in the index, so a crash costs nothing.
    """

    def __init__(
        self, mail: MailStore, blobs: BlobStore, index: SearchIndex, tasks: Tasks
    ) -> None:
        self._mail = mail
        self._blobs = blobs
        self._index = index
        self._tasks = tasks
        self._arrived: dict[AccountId, int] = {}  # messages since the account last waited
        self._waiting: dict[AccountId, None] = {}  # in order
        self._later: dict[AccountId, None] = {}  # to be looked at in the next round
        self._is_working = False

    def note(self, account: AccountId) -> None:
        """An account has one more message."""
        arrived = self._arrived[account] = self._arrived.get(account, 0) + 1
        if arrived >= _ENOUGH:
            self.wake(account)

    def wake(self, account: AccountId) -> None:
        """Index what an account has, however little, with the next `work`."""
        self._arrived.pop(account, None)
        self._waiting[account] = None

    async def forget(self, account: AccountId) -> None:
        """Remove the index of an account that is deleted. Raises `TryLater`."""
        for each in (self._waiting, self._arrived, self._later):
            each.pop(account, None)
        await self._index.forget(account)

    async def work(self) -> None:
        """Index until nothing waits. What fails for now waits for the next call.

        A call while another one is working returns at once.
        """
        if self._is_working:
            return
        self._is_working = True
        self._waiting |= self._later
        self._later = {}
        try:
            while self._waiting:
                account = next(iter(self._waiting))
                del self._waiting[account]
                await self._turn(account)
        finally:
            self._is_working = False

    async def _turn(self, account: AccountId) -> None:
        try:
            if await self._advance(account):
                self._waiting[account] = None
        except TryLater as error:
            self._later[account] = None
            log.warning(
                "search index cannot be brought up to date now",
                extra={"account": account, "error": str(error)},
            )

    async def _advance(self, account: AccountId) -> bool:
        """Index the next messages of an account; whether there may be more."""
        at = await self._index.indexed_up_to(account)
        rows = await self._mail.emails_after(account, at, _ROWS)
        if not rows:
            return False
        plans = await self._tasks.offload(
            lambda: [make_plan(row[0], BlobId(row[1]), row[2], _WANTED) for row in rows]
        )
        for batch in batches(plans, _BATCH_OCTETS, _BATCH_MESSAGES):
            texts = await self._texts(batch)
            up_to = EmailId(batch[-1].key)
            if await self._index.index(account, at, texts, up_to) != up_to:
                # Begun anew, or another process was faster.
                self._later[account] = None
                return False
            at = up_to
        return len(rows) == _ROWS

    async def _texts(self, batch: Sequence[Plan]) -> list[MessageText]:
        messages = await read(self._blobs, batch)
        texts = await self._tasks.offload(lambda: [_text_of(message) for message in messages])
        known = {text.email_id for text in texts}
        # What cannot be read now may be readable one day.
        missing = [EmailId(plan.key) for plan in batch if EmailId(plan.key) not in known]
        return texts + [MessageText(key, "", "", is_whole=False) for key in missing]


def _text_of(message: Message) -> MessageText:
    header = _Gathered(_MAX_CHARS)
    header.add(message.header_text())
    body = _Gathered(_MAX_CHARS)
    for text in message.body_texts():
        body.add(text)
    return MessageText(
        EmailId(message.plan.key),
        header.text(),
        body.text(),
        is_whole=message.plan.is_whole and header.is_whole and body.is_whole,
        fields=known_fields(message.header()),
    )


class _Gathered:
    """Folded texts, one per line, up to a number of characters."""

    def __init__(self, max_chars: int) -> None:
        self._pieces: list[str] = []
        self._left = max_chars
        self.is_whole = True

    def add(self, text: str) -> None:
        for piece in folded(text):
            if self._left <= 0:
                self.is_whole = False
                return
            self._pieces.append(piece)
            self._left -= len(piece)
        self._pieces.append("\n")

    def text(self) -> str:
        return "".join(self._pieces)
