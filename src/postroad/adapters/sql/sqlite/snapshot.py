"""One state of a SQLite database in a file of its own, taken while others write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import apsw

from postroad.adapters.sql.sqlite.engine import connect, translated
from postroad.base.errors import MailError
from postroad.base.moments import Moment
from postroad.model.ids import BlobId
from postroad.stores.snapshot import Snapshot

BLOCK_OCTETS = 256 * 1024
"""A multiple of any page size, so that pages which stay the same are in blocks that do."""
_PAGES_AT_ONCE = 4096
_REFERENCES = "SELECT DISTINCT blob_id FROM blob_ref WHERE blob_id > ? ORDER BY blob_id LIMIT ?"


class SqliteSnapshot(Snapshot):
    """A copy at `path` that nobody changes; see `take_snapshot`."""

    def __init__(self, path: Path, taken_at: Moment) -> None:
        self.taken_at = taken_at
        self.octets = path.stat().st_size
        self._path = path

    async def blocks(self) -> AsyncIterator[bytes]:
        with self._path.open("rb", buffering=0) as file:
            while block := await asyncio.to_thread(file.read, BLOCK_OCTETS):
                yield block

    async def references(self, after: BlobId, limit: int) -> list[BlobId]:
        def look() -> list[BlobId]:
            with closing(apsw.Connection(str(self._path))) as connection:
                return [
                    BlobId(bytes(row[0]))
                    for row in connection.execute(_REFERENCES, (after, limit))
                ]

        return await asyncio.to_thread(look)


async def take_snapshot(
    database: Path,
    folder: Path,
    now: Callable[[], Moment],
    renew: Callable[[int, int], Awaitable[None]],
) -> SqliteSnapshot:
    """The state of a moment after the call, as a new file in `folder`.

    Writers go on; the copy is of one transaction's end. `renew` is called now and then, with how
    many pages of how many there are done. Raises `TryLater`, `LowSpace`.
    """
    path = folder / "snapshot.db"
    path.touch(mode=0o600)
    taken_at = now()
    await _copy(database, path, renew)
    return SqliteSnapshot(path, taken_at)


async def _copy(database: Path, path: Path, renew: Callable[[int, int], Awaitable[None]]) -> None:
    try:
        with (
            closing(connect(database, None, write=False)) as source,
            closing(apsw.Connection(str(path))) as target,
        ):
            # Held over all steps, so that they read one state, whoever writes meanwhile.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            target.execute("PRAGMA synchronous = OFF")  # a copy that a crash harms is thrown away
            with target.backup("main", source, "main") as copying:
                while not copying.done:
                    await asyncio.to_thread(copying.step, _PAGES_AT_ONCE)
                    done = copying.page_count - copying.remaining
                    await renew(done, copying.page_count)
            # All of it in one file.
            target.execute("PRAGMA journal_mode = DELETE").fetchall()
    except apsw.Error as error:
        told = translated(error)
        if isinstance(told, MailError):
            raise told from error
        raise
