"""One bucket: requests with a deadline, tried again where that may help.

They are made in threads of ours. The library's own way to wait lets its threads call Python, which
aborts the process when that ends at the same moment (seen with obstore 0.12 and Python 3.11).
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from postroad.adapters.s3.faults import ANSWERS, Fault, Kind, fault_of
from postroad.adapters.s3.settings import S3Settings

if TYPE_CHECKING:
    from obstore import Bytes, GetResult
    from obstore.store import S3Config

log = logging.getLogger(__name__)

T = TypeVar("T")
Attempt = Callable[[asyncio.Timeout], Awaitable[T]]

PART_OCTETS = 8 * 1024**2
_PARTS_AT_ONCE = 2
_REQUESTS_AT_ONCE = 32
_TRIES = 3  # for which there is time, where a connection hangs
_PART_RETRIES = 3  # by the library, so that one part does not cost all others
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0
_SLOWEST = 256 * 1024  # octets in a second that a transfer gets in addition to its deadline
_PAGE = 1000
_BEGIN_OCTETS = 64 * 1024
_SMALL_OCTETS = 4 * 1024**2
_LONGEST_TRANSFER = timedelta(minutes=10)  # a deadline of ours comes before


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a range of an object has; `size` is that of the whole object."""

    octets: memoryview
    size: int
    version: str


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    size: int


class Bucket:
    """All methods raise `Fault`, and log what the operator should know."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._seconds = settings.timeout.total_seconds()
        self._requests = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._threads = ThreadPoolExecutor(_REQUESTS_AT_ONCE, "s3-request")
        self._store = _store(settings, retries=0)
        self._in_parts = _store(settings, retries=_PART_RETRIES)
        self._is_closed = False

    async def create(self, name: str, octets: bytes) -> str:
        """Store an object that must not be there; durable when it returns. Its version.

        After an attempt that failed it may be there: then a second one could end without an answer
        that can be read, for a service may refuse what is large before it has read it.
        """
        tried = False

        async def attempt(_: asyncio.Timeout) -> str:
            nonlocal tried
            if tried and (version := await self._run(lambda: self._find(name, octets))):
                return version
            tried = True
            done = await self._run(
                lambda: self._store.put(name, octets, mode="create", use_multipart=False)
            )
            return done["e_tag"] or ""

        return await self._persist("create", name, attempt, len(octets))

    async def replace(self, name: str, octets: bytes, version: str) -> None:
        """Store an object over that version of it; `CONFLICT` if it is another."""

        async def attempt(_: asyncio.Timeout) -> None:
            await self._run(
                lambda: self._store.put(name, octets, mode={"e_tag": version}, use_multipart=False)
            )

        await self._persist("replace", name, attempt, len(octets))

    async def upload(self, name: str, parts: Callable[[], Iterator[bytes]], octets: int) -> None:
        """Store a large object in parts; `parts` is called anew for each attempt."""

        async def attempt(_: asyncio.Timeout) -> None:
            await self._run(
                lambda: self._in_parts.put(
                    name,
                    parts(),
                    use_multipart=True,
                    chunk_size=PART_OCTETS,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            )

        await self._persist("upload", name, attempt, octets)

    async def fetch(self, name: str, start: int, end: int) -> Fetched:
        """A range, cut at the end of the object; `BEYOND` if it begins behind that."""

        async def attempt(clock: asyncio.Timeout) -> Fetched:
            found, size, body = await self._run(lambda: self._begin(name, start, end))
            if body is None:
                more = self._seconds + size / _SLOWEST
                clock.reschedule(asyncio.get_running_loop().time() + more)
                body = await self._run(found.bytes)
            return Fetched(memoryview(body), found.meta["size"], found.meta["e_tag"] or "")

        return await self._persist("read", name, attempt, 0)

    async def delete(self, names: Sequence[str]) -> None:
        """Those that are not there are passed over."""

        async def attempt(_: asyncio.Timeout) -> None:
            await self._run(lambda: self._store.delete(list(names)))

        await self._persist("delete", names[0] if names else "", attempt, 0)

    async def page(self, folder: str, after: str) -> list[Listed]:
        """Up to a thousand objects of a folder behind a name, in order."""

        async def attempt(_: asyncio.Timeout) -> list[Listed]:
            offset = f"{folder}/{after}" if after else None
            page = await self._run(
                lambda: next(self._store.list(folder, offset=offset, chunk_size=_PAGE), [])
            )
            return [Listed(one["path"].rpartition("/")[2], one["size"]) for one in page]

        return await self._persist("list", folder, attempt, 0)

    async def walk(self, folder: str, after: str = "") -> AsyncIterator[Listed]:
        """All objects of a folder behind a name, in order."""
        while page := await self.page(folder, after):
            for one in page:
                yield one
            after = page[-1].name

    def close(self) -> None:
        """Waits for requests that nobody waits for any more, at most as long as one may take."""
        self._is_closed = True
        self._threads.shutdown()

    def _find(self, name: str, octets: bytes) -> str | None:
        """The version of an object that begins as these octets do, and is as long."""
        try:
            found = self._store.get(name, options={"range": (0, _BEGIN_OCTETS)})
        except FileNotFoundError:
            return None
        is_same = found.meta["size"] == len(octets)
        is_same = is_same and memoryview(found.bytes()) == octets[:_BEGIN_OCTETS]
        return found.meta["e_tag"] if is_same else None

    def _begin(self, name: str, start: int, end: int) -> "tuple[GetResult, int, Bytes | None]":
        """What is large comes with its body still to be read."""
        found = self._store.get(name, options={"range": (start, end)})
        size = found.range[1] - found.range[0]
        return found, size, found.bytes() if size <= _SMALL_OCTETS else None

    async def _run(self, request: Callable[[], T]) -> T:
        if self._is_closed:
            raise Fault(Kind.REFUSED, "the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, request)

    async def _persist(self, doing: str, name: str, attempt: Attempt[T], octets: int) -> T:
        """Try until it is done, cannot be done, or the time is over."""
        began = time.monotonic()
        seconds = self._seconds + octets / _SLOWEST
        pause = _FIRST_PAUSE_SECONDS
        while True:
            left = began + seconds - time.monotonic()
            try:
                return await self._once(attempt, left)
            except Fault as fault:
                if fault.kind in ANSWERS:
                    raise
                wait = pause * (0.5 + secrets.randbelow(1000) / 1000)
                left = began + seconds - time.monotonic()
                if fault.kind is Kind.REFUSED or left <= wait:
                    self._tell(doing, name, fault)
                    raise
            await asyncio.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _once(self, attempt: Attempt[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds) as clock, self._requests:
                return await attempt(clock)
        except (BaseError, OSError, ValueError) as error:
            raise fault_of(error) from None  # Security: its text may hold what we signed

    def _tell(self, doing: str, name: str, fault: Fault) -> None:
        log.warning(
            "the bucket of messages does not do its work: see postroad doctor",
            extra={
                "bucket": self._settings.bucket,
                "doing": doing,
                "object": name,
                "why": fault.why,
            },
        )


def _store(settings: S3Settings, *, retries: int) -> S3Store:
    config: S3Config = {
        "region": settings.region,
        "virtual_hosted_style_request": settings.is_virtual_hosted,
    }
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    if settings.access_key_id:
        config["access_key_id"] = settings.access_key_id
        config["secret_access_key"] = settings.secret_access_key.reveal()
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        config=config,
        client_options={
            "allow_http": settings.endpoint.startswith("http:"),
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": max(settings.timeout / _TRIES, timedelta(seconds=1)),
            "timeout": _LONGEST_TRANSFER,
        },
        retry_config={
            "max_retries": retries,
            "retry_timeout": settings.timeout,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    )
