"""Taking connections from a socket that several workers listen on, so that each gets its share.

All workers are told of a connection that waits. One that has more than another holds back for a
moment and lets that one take it; if it does not, being busy or stuck, nobody waits for longer.
What nobody has taken yet stays in the queue of the socket, whoever dies.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from postroad.server.tasks import ServerTasks

log = logging.getLogger(__name__)

_HOLD_BACK_SECONDS = 0.005
_PAUSE_SECONDS = 1.0  # without a free file
_HANDSHAKE_SECONDS = 30.0
_AT_ONCE = 16  # connections taken before anything else is done


class Fairness(Protocol):
    """How much a worker has to do, beside the others."""

    def arriving(self, amount: int) -> None:
        """Connections that are taken and not counted yet: their handshake is under way."""

    def has_more_than_others(self) -> bool: ...


class Acceptor:
    """One listening socket; it is this object's to close."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: Callable[[], ssl.SSLContext] | None,
        tasks: ServerTasks,
        fairness: Fairness,
    ) -> None:
        self._listening = listening
        self._make = make
        self._tls = tls
        self._tasks = tasks
        self._fairness = fairness
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        self._loop.add_reader(listening, self._look)

    def close(self) -> None:
        self._pause(None)
        self._listening.close()

    def _look(self) -> None:
        """Somebody waits."""
        for _ in range(_AT_ONCE):
            if self._fairness.has_more_than_others():
                self._pause(_HOLD_BACK_SECONDS)
                return
            if not self._take():
                return

    def _pause(self, seconds: float | None) -> None:
        """Without `seconds`: for good."""
        self._loop.remove_reader(self._listening)
        if self._later is not None:
            self._later.cancel()
        self._later = None if seconds is None else self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._later = None
        self._loop.add_reader(self._listening, self._look)
        self._take()

    def _take(self) -> bool:
        """Whether there was one."""
        try:
            accepted, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            log.warning("no connection can be taken", extra={"why": str(error)})
            self._pause(_PAUSE_SECONDS)
            return False
        accepted.setblocking(False)
        self._fairness.arriving(1)
        self._tasks.spawn("arriving", self._connect(accepted))
        return True

    async def _connect(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._make,
                accepted,
                ssl=None if self._tls is None else self._tls(),
                ssl_handshake_timeout=None if self._tls is None else _HANDSHAKE_SECONDS,
            )
        except (OSError, TimeoutError) as error:  # SSLError is one
            log.debug("a connection did not come about", extra={"error": str(error)})
            accepted.close()
        finally:
            self._fairness.arriving(-1)
