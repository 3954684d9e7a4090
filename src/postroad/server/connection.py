"""Carry octets between a socket and a session. All the waiting on a peer is here.

An idle connection owns no task: a job is started when octets or news come, and ends when
they are dealt with.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import aclosing
from typing import Protocol, cast

from postroad.model.ids import AccountId
from postroad.server.conversation import Conversation, Outputs, Signal
from postroad.server.evidence import tls_evidence
from postroad.server.tasks import ServerTasks
from postroad.sessions.sasl.exchange import TlsEvidence

log = logging.getLogger(__name__)

_MAX_UNREAD = 262_144  # octets; reading from the socket stops beyond
_WRITE_BATCH = 131_072
_FEED = 65_536
_WRITE_PATIENCE_SECONDS = 300.0
_SILENCE_SECONDS = 10.0  # RFC 9585 section 4 recommends a word every 10 to 15 seconds
_IDLE_SECONDS = 120.0  # of a client that waits for news, which some networks forget soon
_CLOSE_PATIENCE_SECONDS = 60.0  # for a client to read the last of what we wrote


class Host(Protocol):
    """What a connection asks of the listener it came in by."""

    tasks: ServerTasks
    tls: Callable[[], ssl.SSLContext]
    watch: Callable[..., Callable[[], None]]

    def is_draining(self) -> bool: ...

    def end_point(self) -> bytes: ...

    def closed(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """One client. At most one job works for it at a time."""

    def __init__(
        self,
        host: Host,
        make: "Callable[[Connection], Conversation | bytes]",
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """`make` gives a session, or octets to say to a client that is not let in.

        `tls` is for STARTTLS, the host's without one.
        """
        self._host = host
        self._tls = tls or host.tls
        self._make = make
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._unread: list[bytes] = []
        self._unread_octets = 0
        self._is_working = False
        self._is_woken = False
        self._is_ended = False  # the client sends no more
        self._is_lost = False
        self._can_write: asyncio.Future[None] | None = None
        self._batch: list[bytes] = []  # what is to be written next
        self._is_writing = False  # what comes next belongs behind it
        self._watched: dict[AccountId, Callable[[], None]] = {}  # and what ends the watch
        self.began_at = self._said_at = asyncio.get_running_loop().time()
        self.deadline = self.began_at + 60.0
        self.peer = ""
        self.peer_port = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # a stream's transport is one
        peer = transport.get_extra_info("peername")
        self.peer, self.peer_port = (peer[0], peer[1]) if peer else ("", 0)
        made = self._make(self)
        if isinstance(made, bytes):
            self._transport.write(made)
            self._transport.close()
            return
        self._conversation = made
        self._transport.write(made.greet())
        self._extend()

    def data_received(self, data: bytes) -> None:
        self._unread.append(data)
        self._unread_octets += len(data)
        if self._unread_octets > _MAX_UNREAD and self._transport is not None:
            self._transport.pause_reading()
        self._work()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._work()
        # A half-closed client may still read our answers, but TLS knows no such thing.
        return self.tls_object is None

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        self.resume_writing()
        if not self._is_working:
            self._finish()

    def pause_writing(self) -> None:
        if self._can_write is None:
            self._can_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        waiting, self._can_write = self._can_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    # What the listener asks

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        if self._transport is None:
            return None
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    @property
    def _is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    @property
    def evidence(self) -> TlsEvidence:
        """What the TLS connection proves."""
        return tls_evidence(self.tls_object, self._host.end_point())

    @property
    def conversation(self) -> Conversation | None:
        return self._conversation

    def check(self, now: float) -> None:
        """Close a connection that was silent for too long, or does not read what we write.

        A job that works for the client, however long, is no silence of the client, who is told
        now and then that it goes on.
        """
        conversation = self._conversation
        silence = _SILENCE_SECONDS if self._is_working else _IDLE_SECONDS
        if now >= self._said_at + silence:
            self._reassure()
        too_old = conversation is not None and now > self.began_at + conversation.lifetime_seconds
        if (now < self.deadline and not too_old) or self._transport is None:
            return
        if self._transport.is_closing() or conversation is None:
            # One that is closing and still here does not even read our last words.
            if now >= self.deadline:
                self._transport.abort()
        elif not self._is_working:
            self._say_last(conversation.timed_out())
        elif self._can_write is not None:
            self._transport.abort()

    def drain(self) -> None:
        """The server goes down: say so, unless the client is in the middle of something."""
        conversation = self._conversation
        if conversation is not None and not self._is_working and not conversation.is_busy:
            self._say_last(conversation.shutting_down())

    def disconnect(self) -> None:
        """Close at once, such as when the account was disabled."""
        if self._is_working:
            self.abort()  # a farewell would land in the middle of an answer
        elif self._conversation is not None:
            self._say_last(self._conversation.shutting_down())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # The work

    def _wake(self) -> None:
        self._is_woken = True
        self._work()

    def _work(self) -> None:
        if self._is_working or self._is_lost or self._conversation is None:
            return
        self._is_working = True
        self._host.tasks.spawn("connection", self._job(self._conversation))

    def _reassure(self) -> None:
        """Write what was given so far, and that we are still here for the command."""
        waits = self._is_writing or self._can_write is not None
        if waits or self._is_lost or self._conversation is None or self._is_closing:
            return
        said = self._conversation.still_working()
        if said:
            self._batch.append(said)
            self._write_batch()

    async def _job(self, conversation: Conversation) -> None:
        self._said_at = asyncio.get_running_loop().time()
        self._batch.clear()
        try:
            await self._take_all(conversation)
        except (ConnectionError, TimeoutError, ssl.SSLError) as error:
            log.debug("a connection was lost", extra={"peer": self.peer, "error": str(error)})
            self.abort()
        except Exception:
            log.exception("a session failed", extra={"peer": self.peer})
            self._say_last(conversation.internal_error())
        finally:
            self._is_working = False
            if self._is_lost:
                self._finish()
            else:
                self._after_work(conversation)

    async def _take_all(self, conversation: Conversation) -> None:
        while self._unread and not self._is_lost:
            self._extend()  # who sends without a pause is not silent
            if not await self._emit(conversation.receive(self._next_octets())):
                return
        if self._is_woken:
            self._is_woken = False
            if conversation.watches:
                await self._emit(conversation.news())

    def _after_work(self, conversation: Conversation) -> None:
        """Set the stage for a client that is silent now."""
        if self._is_closing:
            return
        self._extend()
        self._watch(conversation)
        if self._unread or (self._is_woken and conversation.watches):
            self._work()
        elif self._is_ended:
            self._close()
        elif self._host.is_draining():
            self.drain()

    def _next_octets(self) -> bytes:
        """Some of what came, bounded, so that one client's flood is dealt with in turns."""
        octets = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
        self._unread = [octets[_FEED:]] if len(octets) > _FEED else []
        octets = octets[:_FEED]
        self._unread_octets -= len(octets)
        if self._unread_octets <= _MAX_UNREAD and self._transport is not None:
            self._transport.resume_reading()
        return octets

    async def _emit(self, outputs: Outputs) -> bool:
        """Write what a session gives, in batches; False when it said that it is over."""
        batch, size = self._batch, 0
        async with aclosing(outputs):
            async for output in outputs:
                if isinstance(output, Signal):
                    await self._write()
                    return await self._obey(output)
                batch.append(output)
                size += len(output)
                if size >= _WRITE_BATCH:
                    await self._write()
                    size = 0
        await self._write()
        return True

    async def _write(self) -> None:
        if self._transport is None or self._is_lost:
            raise ConnectionResetError("the client is gone")
        self._is_writing = True
        try:
            self._write_batch()
            if self._can_write is not None:
                self.deadline = asyncio.get_running_loop().time() + _WRITE_PATIENCE_SECONDS
                await self._can_write
                if self._is_lost:
                    raise ConnectionResetError("the client is gone")
        finally:
            self._is_writing = False

    def _write_batch(self) -> None:
        batch = self._batch
        if batch and self._transport is not None:
            self._said_at = asyncio.get_running_loop().time()
            self._transport.write(batch[0] if len(batch) == 1 else b"".join(batch))
            batch.clear()

    async def _obey(self, signal: Signal) -> bool:
        if signal is Signal.CLOSE or self._transport is None:
            self._close()
            return False
        await self._start_tls(self._transport)
        return True

    async def _start_tls(self, transport: asyncio.Transport) -> None:
        # Security: what was sent in the clear behind STARTTLS is forgotten, never obeyed.
        self._unread.clear()
        self._unread_octets = 0
        loop = asyncio.get_running_loop()
        self.deadline = loop.time() + _WRITE_PATIENCE_SECONDS
        upgraded = await loop.start_tls(
            transport, self, self._tls(), server_side=True, ssl_handshake_timeout=30.0
        )
        if upgraded is None or self._conversation is None:
            raise ConnectionResetError("the client is gone")
        self._transport = upgraded
        self._conversation.tls_started(*tls_facts(self.tls_object), self.evidence)

    def _say_last(self, octets: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)
            self._close()

    def _close(self) -> None:
        """Close when all is written; a client that does not read it is cut off by `check`."""
        if self._transport is not None:
            self.deadline = asyncio.get_running_loop().time() + _CLOSE_PATIENCE_SECONDS
            self._transport.close()

    def _extend(self) -> None:
        if self._conversation is not None:
            now = asyncio.get_running_loop().time()
            self.deadline = now + self._conversation.patience_seconds

    def _watch(self, conversation: Conversation) -> None:
        """Listen to the bus for whom the client waits for."""
        wanted = conversation.watches
        for account in [account for account in self._watched if account not in wanted]:
            self._watched.pop(account)()
        for account in wanted:
            if account not in self._watched:
                self._watched[account] = self._host.watch(account, self._wake)
                # What happened between the last look and this line must not wait for the next.
                self._is_woken = True

    def _finish(self) -> None:
        for unwatch in self._watched.values():
            unwatch()
        self._watched.clear()
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None
        self._host.closed(self)


def tls_facts(tls: ssl.SSLObject | None) -> tuple[str, str]:
    """Version and cipher of a connection, for the trace."""
    if tls is None:
        return "", ""
    cipher = tls.cipher()
    return tls.version() or "", cipher[0] if cipher else ""
