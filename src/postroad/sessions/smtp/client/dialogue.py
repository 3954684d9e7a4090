"""One side of the talk with a server: say something, hear the reply, remember both."""

from postroad.base.errors import TryLater
from postroad.sessions.smtp.client.ports import Stream, Wait
from postroad.sessions.smtp.ports import Tls
from postroad.wire.errors import WireError
from postroad.wire.smtp.replies import Reply, ReplyReceiver

MAX_TRANSCRIPT = 500
"""Lines kept of one transaction; a message for a thousand recipients has more."""
_MAX_LINE = 500


class PeerLost(TryLater):
    """The connection is gone, or what comes from it is not SMTP."""


class Transcript:
    """What was said, for the story of a message. It is given secrets only as ``***``."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._left_out = 0

    def add(self, who: str, text: str) -> None:
        if len(self._lines) < MAX_TRANSCRIPT:
            self._lines.append(f"{who}: {text[:_MAX_LINE]}")
        else:
            self._left_out += 1

    def take(self) -> tuple[str, ...]:
        """The lines since the last call."""
        lines = tuple(self._lines)
        if self._left_out:
            lines += (f"({self._left_out} more lines)",)
        self._lines, self._left_out = [], 0
        return lines


class Dialogue:
    """Turns every trouble of the connection into `PeerLost`, after which it is not usable."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._receiver = ReplyReceiver()
        self._heard: list[Reply] = []
        self.transcript = Transcript()
        self.is_usable = True

    async def say(self, octets: bytes) -> None:
        """Send command lines; they stand in the transcript as they are."""
        for line in octets.decode("utf-8", "replace").split("\r\n")[:-1]:
            self.transcript.add("C", line)
        await self.send(octets)

    async def say_secret(self, octets: bytes, shown: str) -> None:
        """Send a line that holds a secret; `shown` stands in the transcript."""
        self.transcript.add("C", shown)
        await self.send(octets)

    async def send(self, octets: bytes) -> None:
        """Send octets that do not stand in the transcript."""
        try:
            await self._stream.write(octets)
        except OSError as error:
            raise self.lost(f"connection lost: {_text(error)}") from error

    async def hear(self, wait: Wait = Wait.COMMAND) -> Reply:
        """The next reply."""
        while not self._heard:
            self._heard += await self._read(wait)
        reply = self._heard.pop(0)
        for line in reply.lines:
            self.transcript.add("S", str(Reply(reply.code, reply.enhanced, line)))
        if reply.code == 421:
            self.is_usable = False
        return reply

    async def last_words(self) -> Reply | None:
        """What the server said before it closed on us in the middle of a message, if anything."""
        try:
            return await self.hear(Wait.QUIT)
        except PeerLost:
            return None

    async def start_tls(self) -> Tls:
        """Raises `PeerLost` when the handshake fails.

        Security: a reply that came before the handshake could be anyone's, so there must be
        none (RFC 3207 section 4.2).
        """
        if self._heard or self._receiver.has_pending:
            raise self.lost("the server spoke between STARTTLS and the handshake")
        try:
            tls = await self._stream.start_tls()
        except OSError as error:
            raise self.lost(f"TLS handshake failed: {_text(error)}") from error
        self.transcript.add("*", str(tls))
        return tls

    def lost(self, reason: str) -> PeerLost:
        self.is_usable = False
        self.transcript.add("*", reason)
        return PeerLost(reason)

    async def _read(self, wait: Wait) -> list[Reply]:
        try:
            octets = await self._stream.read(wait)
        except TimeoutError as error:
            raise self.lost("timed out waiting for a reply") from error
        except OSError as error:
            raise self.lost(f"connection lost: {_text(error)}") from error
        if not octets:
            raise self.lost("the server closed the connection")
        try:
            return self._receiver.feed(octets)
        except WireError as error:
            raise self.lost(f"the server's reply is malformed: {error}") from error


def _text(error: OSError) -> str:
    return str(error) or type(error).__name__
