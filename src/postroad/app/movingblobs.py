"""The octets of messages on their way to another store, under the ids that they have.

A blob is there before the first row that refers to it is, so whoever finds such a row in the new
database need not bring the blob again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.queue.store import SqlReferenceStore
from postroad.adapters.sql.upkeep import is_referred
from postroad.app.blobs import open_blobs
from postroad.app.refilling import Put, refilling, require_no_blobs
from postroad.base.errors import Invalid, NotFound
from postroad.config.settings import Settings
from postroad.model.ids import BlobId
from postroad.stores.blobs import BlobStore, Whole

_AT_ONCE = 64
_OCTETS_AT_ONCE = 16 * 2**20
_PAGE = 5000
_NOTHING = BlobId(b"")


class MovingBlobs:
    """Where the octets stay where they are, `put` is None."""

    def __init__(self, source: BlobStore | None, put: Put | None) -> None:
        self._source = source
        self._put = put
        self.count = 0
        self._last = _NOTHING

    async def bring(self, blobs: Sequence[BlobId]) -> None:
        """Durable when it returns; those that are gone meanwhile are left out.

        Raises `TryLater` for what cannot be read or written, `LowSpace`.
        """
        if self._source is None or self._put is None:
            return
        batch, octets = list[tuple[BlobId, Whole]](), 0
        for blob in dict.fromkeys(blobs):
            if blob == self._last:  # it was the last of the page before
                continue
            self._last = blob
            try:
                [whole] = await self._source.whole([blob])
            except NotFound:
                continue
            batch.append((blob, bytes(whole)))
            octets += len(whole)
            if len(batch) >= _AT_ONCE or octets >= _OCTETS_AT_ONCE:
                await self._put(batch)
                self.count += len(batch)
                batch, octets = [], 0
        if batch:
            await self._put(batch)
            self.count += len(batch)

    async def bring_new(self, blobs: Sequence[BlobId], target: Engine) -> None:
        """Those of them that nothing in the new database refers to yet."""
        new = []
        for blob in blobs if self._put is not None else ():
            if not await target.look_up(lambda: is_referred(blob)):  # noqa: B023  # run at once
                new.append(blob)
        await self.bring(new)


@asynccontextmanager
async def moving_blobs(
    settings: Settings, target: Settings, *, is_begun: bool
) -> AsyncIterator[MovingBlobs]:
    """Raises `Invalid` for a store that holds something, unless this move has begun before."""
    if settings.storage.blobs == target.storage.blobs:
        yield MovingBlobs(None, None)
        return
    if not is_begun:
        await require_no_blobs(target)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(open_blobs(settings))
        put = await stack.enter_async_context(refilling(target))
        yield MovingBlobs(source, put)


async def require_all(target: Settings, engine: Engine) -> None:
    """Raises `Invalid` when something that the new database refers to is not in the new store."""
    references = SqlReferenceStore(engine)
    async with open_blobs(target) as store:
        listed = await store.ids(_NOTHING, _PAGE)
        there, after = set(listed), _NOTHING
        while page := await references.references(after, _PAGE):
            for _, blob in page:
                while listed and listed[-1] < blob:
                    listed = await store.ids(listed[-1], _PAGE)
                    there = set(listed)
                if blob not in there:
                    raise Invalid(f"message {blob.hex()} did not arrive. Nothing moved")
            after = page[-1][1]
