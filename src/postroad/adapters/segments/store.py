"""`SegmentBlobStore`: the default store of blobs, append-only files with an index beside them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from postroad.adapters.segments.adopting import adopt
from postroad.adapters.segments.catalogue import Catalogue
from postroad.adapters.segments.compacting import Compactor
from postroad.adapters.segments.files import Files
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Index
from postroad.adapters.segments.opening import Opened, connect, open_folder, open_to_read
from postroad.adapters.segments.reading import read_ranges, read_whole
from postroad.adapters.segments.scrubbing import scrub
from postroad.adapters.segments.settings import SegmentSettings
from postroad.adapters.segments.writer import Writer
from postroad.base.errors import NotPermitted, TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobFault, BlobStore, Piece, Whole

T = TypeVar("T")


class SegmentBlobStore(BlobStore):
    """Open with `open`; any number of processes may use one folder.

    A range over the end of a blob is cut there. Whole blobs are compared with their checksums.
    """

    def __init__(
        self, folder: SegmentFolder, opened: Opened, settings: SegmentSettings, vfs: str | None
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._vfs = vfs
        self._lock = opened.lock
        self._is_read_only = opened.index is None
        self._writer = Writer(folder, opened.index, settings) if opened.index else None
        pending = self._writer.pending if self._writer else {}
        self._catalogue = Catalogue(folder, pending, self._own)
        self._local = threading.local()
        self._indexes: list[Index] = []
        self._readers = ThreadPoolExecutor(settings.readers, "segments-reader")
        self._upkeep = ThreadPoolExecutor(1, "segments-upkeep")
        self._compacting = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(
        cls,
        folder: Path,
        settings: SegmentSettings | None = None,
        *,
        read_only: bool = False,
        files: Files | None = None,
        vfs: str | None = None,
    ) -> Self:
        """Index what a crash left unindexed, and be ready.

        Read-only changes nothing and locks nothing; it may stand beside a running server.
        Raises `Invalid` for a folder that cannot be used, `TryLater`, `LowSpace`.
        """
        settings = settings or SegmentSettings()
        segments = SegmentFolder(folder, files or Files(), settings.open_files)
        opening = open_to_read if read_only else open_folder
        opened = await asyncio.to_thread(opening, segments, vfs)
        return cls(segments, opened, settings, vfs)

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        return await self._writing().put(pieces)

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        if not ranges:
            return []
        return await self._in_reader(
            lambda index: read_ranges(self._folder, self._catalogue, index, ranges)
        )

    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        if not blobs:
            return []
        return await self._in_reader(
            lambda index: read_whole(self._folder, self._catalogue, index, blobs)
        )

    async def stream(self, wanted: BlobRange, chunk_octets: int = 262_144) -> AsyncIterator[bytes]:
        end = min(wanted.end, await self.size(wanted.blob_id))
        for start in range(max(wanted.start, 0), end, chunk_octets):
            piece = BlobRange(wanted.blob_id, start, min(start + chunk_octets, end))
            yield (await self.read([piece]))[0]

    async def size(self, blob: BlobId) -> int:
        places = await self._in_reader(lambda index: self._catalogue.find(index, [blob]))
        return places[blob].length

    async def delete(self, blobs: Sequence[BlobId]) -> None:
        if blobs:
            await self._writing().forget(blobs)
            self._catalogue.forget(blobs)

    async def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        return await self._in_reader(lambda index: self._catalogue.ids(index, after, limit))

    async def compact(self) -> int:
        self._writing()
        async with self._compacting:
            async for _ in self._steps(lambda index: adopt(self._folder, index)):
                pass
            octets = self._settings.segment_octets
            freed = 0
            async for step in self._steps(
                lambda index: Compactor(self._folder, index, self._catalogue, octets).run()
            ):
                freed += step
            return freed

    async def scrub(self) -> AsyncIterator[BlobFault]:
        async for faults in self._steps(lambda index: scrub(self._folder, index, self._own)):
            for fault in faults:
                yield fault

    async def close(self) -> None:
        """Finish what waits and let go of the files; nothing works afterwards."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._writer:
            self._writer.close()
        self._readers.shutdown()
        self._upkeep.shutdown()
        for index in self._indexes:
            index.close()
        self._folder.close()
        if self._lock is not None:
            self._folder.files.close(self._lock)

    def _own(self) -> dict[int, int]:
        return self._writer.own if self._writer else {}

    def _writing(self) -> Writer:
        if self._writer is None:
            raise NotPermitted("the blob store was opened to read only")
        return self._writer

    def _index(self) -> Index:
        """This thread's connection."""
        index: Index | None = getattr(self._local, "index", None)
        if index is None:
            index = connect(self._folder.path, self._vfs, read_only=self._is_read_only)
            self._local.index = index
            self._indexes.append(index)
        return index

    async def _in_reader(self, work: Callable[[Index], T]) -> T:
        return await self._in(self._readers, lambda: work(self._index()))

    async def _steps(self, work: Callable[[Index], Generator[T, None, None]]) -> AsyncIterator[T]:
        """Run a generator in the upkeep thread, a step at a time."""
        steps = await self._in(self._upkeep, lambda: work(self._index()))
        try:
            while (step := await self._in(self._upkeep, lambda: next(steps, None))) is not None:
                yield step
        finally:
            with suppress(RuntimeError):  # closed, and the generator with it
                self._upkeep.submit(steps.close)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise TryLater("the blob store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except OSError as error:
            raise TryLater(f"the folder of blobs: {error}") from error
