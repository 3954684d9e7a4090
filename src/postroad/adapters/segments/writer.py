"""The one thread that writes: it stores whatever waits with one sync, and keeps the index.

While a sync lasts the next blobs gather, and where fewer came than the last time, a moment longer;
an idle store gathers nothing. The index may lag: what it does not have yet is in `pending`.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from postroad.adapters.segments.appender import Appender, begin
from postroad.adapters.segments.files import Buffer
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Entry, Index
from postroad.adapters.segments.record import HEADER_OCTETS, Place
from postroad.adapters.segments.settings import SegmentSettings
from postroad.base.errors import LowSpace, MailError, TryLater
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId

log = logging.getLogger(__name__)

BATCH_OCTETS = 32 * 1024**2
_BATCH_JOBS = 1000
_GATHER_SECONDS = 0.002
_INDEX_AT = 2000  # pending blobs
_INDEX_IDLE_SECONDS = 0.05
_MAX_PENDING = 500_000  # blobs, if the index cannot be written
_LOOK_AT_DISK_SECONDS = 1.0


@dataclass(slots=True)
class Put:
    blob_id: BlobId
    pieces: Sequence[Buffer]
    octets: int
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[BlobId]"
    error: Exception | None = None
    is_settled: bool = False
    settled: "asyncio.Future[None] | None" = None  # for a caller that was cancelled


@dataclass(slots=True)
class Forget:
    blobs: Sequence[BlobId]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[None]"
    error: Exception | None = None


Job = Put | Forget


class Writer:
    """`put`, `forget` and `_resolve` belong to the loop, `_run` and what it calls to the thread.

    `pending` has every blob that is stored and not in the index; the thread alone changes it, and
    takes a blob out only after the index has it.
    """

    def __init__(self, folder: SegmentFolder, index: Index, settings: SegmentSettings) -> None:
        self.pending: dict[BlobId, Place] = {}
        self._folder = folder
        self._index = index
        self._settings = settings
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._held: Job | None = None
        self._last_jobs = 0  # of the last batch
        self._waiting_octets = 0
        self._closed = False
        self._active: Appender | None = None
        self._left: list[Appender] = []  # full or broken; locked until the index has them
        self._unindexed: dict[int, list[Entry]] = {}
        self._looked_at_disk = float("-inf")
        self._is_low = False
        self._is_index_behind = False
        self._thread = threading.Thread(target=self._run, name="segments-writer", daemon=True)
        self._thread.start()

    @property
    def own(self) -> dict[int, int]:
        """The segments that nobody else indexes, and how far they are written."""
        active = self._active
        return {each.segment: each.size for each in [*self._left, *([active] if active else [])]}

    async def put(self, pieces: Sequence[Buffer]) -> BlobId:
        octets = HEADER_OCTETS + sum(map(len, pieces))
        if self._closed:
            raise TryLater("the blob store is closed")
        if self._waiting_octets and self._waiting_octets + octets > self._settings.waiting_octets:
            raise TryLater("the disk is behind: too much waits to be written")
        self._waiting_octets += octets
        loop = asyncio.get_running_loop()
        future: asyncio.Future[BlobId] = loop.create_future()
        put = Put(BlobId(new_octets()), pieces, octets, loop, future)
        self._jobs.put(put)
        try:
            return await future
        except asyncio.CancelledError:
            # The pieces may be parts of a file that the caller closes once it is out of here.
            if not put.is_settled:
                put.settled = loop.create_future()
                await put.settled
            raise

    async def forget(self, blobs: Sequence[BlobId]) -> None:
        if self._closed:
            raise TryLater("the blob store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._jobs.put(Forget(blobs, loop, future))
        await future

    def close(self) -> None:
        """Finish what waits, write the index and let go of the files; waits for the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            jobs, is_last = self._gather()
            self._last_jobs = len(jobs)
            puts = [job for job in jobs if isinstance(job, Put)]
            forgets = [job for job in jobs if isinstance(job, Forget)]
            if puts:
                self._store(puts)
                self._report(puts)
            if is_last:
                self._leave_active()
            if forgets or is_last or not puts or len(self.pending) >= _INDEX_AT:
                self._write_index(forgets)
                self._report(forgets)
        for appender in self._left:
            appender.close()
        self._index.close()

    def _gather(self) -> tuple[list[Job], bool]:
        """Wait for one job and take those beside it; True when it is time to stop.

        A batch is at most twice `BATCH_OCTETS`, or a single blob that is larger.
        """
        jobs: list[Job] = []
        octets = 0
        job = self._first()
        if self._jobs.qsize() + 1 < self._last_jobs:
            time.sleep(_GATHER_SECONDS)
        while job is not None:
            size = job.octets if isinstance(job, Put) else 0
            if jobs and size > BATCH_OCTETS:
                self._held = job
                return jobs, False
            jobs.append(job)
            octets += size
            if octets >= BATCH_OCTETS or len(jobs) >= _BATCH_JOBS or self._jobs.empty():
                return jobs, False
            job = self._jobs.get()
        return jobs, self._closed and self._jobs.empty()

    def _first(self) -> Job | None:
        """None when it is time to stop, or to write the index."""
        if (job := self._held) is not None:
            self._held = None
            return job
        try:
            timeout = _INDEX_IDLE_SECONDS if self._unindexed or self._left else None
            return self._jobs.get(timeout=timeout)
        except Empty:
            return None

    def _store(self, puts: list[Put]) -> None:
        try:
            self._check_room(sum(put.octets for put in puts))
            appender = self._active = self._active or begin(self._folder)
            places = appender.append([(put.blob_id, put.pieces) for put in puts])
        except MailError as error:
            for put in puts:
                put.error = error
        except Exception as error:  # the thread must live on; the caller gets it
            log.exception("blobs not stored")
            for put in puts:
                put.error = error
            self._leave_active()
        else:
            entries = [(put.blob_id, place) for put, place in zip(puts, places, strict=True)]
            self.pending.update(entries)
            self._unindexed.setdefault(appender.segment, []).extend(entries)
        active = self._active
        if active and (active.is_broken or active.size >= self._settings.segment_octets):
            self._leave_active()

    def _check_room(self, octets: int) -> None:
        now = time.monotonic()
        if now - self._looked_at_disk >= _LOOK_AT_DISK_SECONDS:
            self._looked_at_disk = now
            free = self._free_octets()
            self._is_low = free is not None and free - octets < self._settings.min_free_octets
        if self._is_low:
            raise LowSpace("the disk of the messages is nearly full")
        if len(self.pending) > _MAX_PENDING:
            raise TryLater("the index of blobs cannot be written")

    def _free_octets(self) -> int | None:
        try:
            return self._folder.files.free_octets(self._folder.path)
        except OSError:
            return None  # the write itself will tell

    def _leave_active(self) -> None:
        if self._active:
            self._left.append(self._active)
            self._active = None

    def _write_index(self, forgets: list[Forget]) -> None:
        appenders = [*self._left, *([self._active] if self._active else [])]
        left = {appender.segment for appender in self._left}
        try:
            with self._index.transaction():
                for each in appenders:
                    entries = self._unindexed.get(each.segment, [])
                    sealed = each.segment in left and each.size > 0
                    if entries or sealed:
                        self._index.add(each.segment, each.salt, entries, each.size, sealed=sealed)
                for forget in forgets:
                    self._index.forget(forget.blobs)
        except Exception as error:  # whatever it is, the thread must live on
            if not self._is_index_behind:  # said once, and tried again and again
                self._is_index_behind = True
                log.warning("index of blobs not written", exc_info=error)
            for forget in forgets:
                forget.error = error
            return
        self._indexed()

    def _indexed(self) -> None:
        self._is_index_behind = False
        for entries in self._unindexed.values():
            for blob, _ in entries:
                del self.pending[blob]
        self._unindexed.clear()
        for appender in self._left:
            appender.close()
        self._left.clear()

    def _report(self, jobs: Sequence[Job]) -> None:
        """Answer all, with one wake-up of each loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in jobs:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, its_jobs in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._resolve, its_jobs)
            except RuntimeError:
                continue  # the loop is gone, and nobody waits any more

    def _resolve(self, jobs: list[Job]) -> None:
        for job in jobs:
            if isinstance(job, Put):
                self._waiting_octets -= job.octets
                job.is_settled = True
                if job.settled is not None and not job.settled.done():
                    job.settled.set_result(None)
            if job.future.done():
                continue  # its caller was cancelled
            if job.error is not None:
                job.future.set_exception(job.error)
            elif isinstance(job, Put):
                job.future.set_result(job.blob_id)
            else:
                job.future.set_result(None)
