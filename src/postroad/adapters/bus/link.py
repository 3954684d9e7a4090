"""News between nodes, over a service that all of them reach.

Each process has a link of its own. What happens while something is on its way is gathered and
goes out together. A link may lose news: it then says so once it is up again, here and to the
others, and everybody looks for themselves. It tries itself: what it sends to all comes back to
it, and if that does not, it is down and made anew.
"""

import asyncio
import contextlib
import logging
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import msgspec

from postroad.base.identifiers import new_uuid
from postroad.model.ids import AccountId

log = logging.getLogger(__name__)

MAX_OCTETS = 5_900  # what every service carries, PostgreSQL in base64 within 8,000
_MOST_ACCOUNTS = 300  # 19 octets each at most
_MOST_TIMES = 1_000
_TRY_SECONDS = 5.0
_DOWN_AFTER_SECONDS = 15.0
_POLL_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 10.0

Publish = Callable[[bytes], Awaitable[None]]
Heard = Callable[[bytes], None]


class LinkLost(Exception):
    """The service is away; the reason is for the log."""


class Message(msgspec.Struct, array_like=True):
    node: str
    process: str
    changed: dict[int, int] = {}  # accounts, and how often each; msgspec copies it
    queue: bool = False
    look: bool = False
    """Something was lost: look for yourselves."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class NodeLink(ABC):
    """Works while `run` does."""

    def __init__(self, node: str) -> None:
        """Processes of the same `node` tell each other in other ways."""
        self._node = node
        self._process = new_uuid()
        self._changed: Counter[int] = Counter()
        self._wakes_queue = False
        self._something = asyncio.Event()
        self._heard_at = 0.0
        self._has_missed = False
        self._polled_at = 0.0
        self._announced: Callable[[AccountId, int], None] = lambda account, times: None
        self._wake_queue: Callable[[], None] = lambda: None
        self.is_up = False

    @abstractmethod
    def _connected(self, heard: Heard) -> AbstractAsyncContextManager[Publish]:
        """Subscribe; `heard` is called with all that anybody publishes, our own included.

        It and the publisher raise `LinkLost`.
        """
        ...

    def tell(
        self, announced: Callable[[AccountId, int], None], wake_queue: Callable[[], None]
    ) -> None:
        """Call these with what other nodes tell, from the loop."""
        self._announced, self._wake_queue = announced, wake_queue

    def announce(self, account: AccountId) -> None:
        self._changed[account] += 1
        self._something.set()

    def wake_queue(self) -> None:
        self._wakes_queue = True
        self._something.set()

    def has_missed(self) -> bool:
        """Whether news may have been lost since the last call; now and then while it is down."""
        missed, self._has_missed = self._has_missed, False
        now = time.monotonic()
        if not self.is_up and now - self._polled_at > _POLL_SECONDS:
            missed, self._polled_at = True, now
        return missed

    # The connection

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._connected(self._hear) as publish:
                    self._heard_at = asyncio.get_running_loop().time()
                    await publish(self._encoded(look=True))
                    await self._work(publish)
            except LinkLost as error:
                if self.is_up:
                    pause = _FIRST_PAUSE_SECONDS
                self._lose(str(error))
            except Exception:
                log.exception("the bus failed")
                self._lose("an error of ours")
            # Jitter: all nodes lose the service at the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _work(self, publish: Publish) -> None:
        """Raises `LinkLost`."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TRY_SECONDS):
                    await self._something.wait()
            self._something.clear()
            for octets in self._gathered():
                await publish(octets)
            if loop.time() - self._heard_at > _DOWN_AFTER_SECONDS:
                raise LinkLost("what is told does not come back")

    def _lose(self, why: str) -> None:
        if self.is_up:
            log.warning("the bus is down: others are heard of later", extra={"why": why})
        self.is_up = False
        self._has_missed = True
        self._changed.clear()
        self._wakes_queue = False

    def _gathered(self) -> list[bytes]:
        changed, self._changed = list(self._changed.items()), Counter()
        queue, self._wakes_queue = self._wakes_queue, False
        found = [
            self._encoded(changed=dict(changed[start : start + _MOST_ACCOUNTS]))
            for start in range(0, len(changed), _MOST_ACCOUNTS)
        ]
        # Without news it is only for ourselves, who hear whether it comes back.
        return [*found, self._encoded(queue=True)] if queue else found or [self._encoded()]

    def _encoded(
        self,
        *,
        changed: dict[int, int] | None = None,
        queue: bool = False,
        look: bool = False,
    ) -> bytes:
        return _encode(Message(self._node, self._process, changed or {}, queue, look))

    # Hearing

    def _hear(self, octets: bytes) -> None:
        try:
            message = _decode(octets)
        except msgspec.DecodeError:
            log.warning("somebody told what cannot be understood")
            return
        if message.process == self._process:
            self._heard_at = asyncio.get_running_loop().time()
            if not self.is_up:
                self.is_up = self._has_missed = True
                log.info("the bus is up")
        if message.node == self._node:
            return
        self._has_missed |= message.look
        for account, times in message.changed.items():
            self._announced(AccountId(account), min(times, _MOST_TIMES))
        if message.queue:
            self._wake_queue()
