"""A server that follows a script, for the client in tests.

C: text       the client must have sent this line by the time it reads
S: text       this line comes back
END           the stream ends
RESET         reading fails
TIMEOUT       nothing comes in time
TLS           the client must begin the handshake here, and it succeeds
NO TLS        the same, and it fails
"""

from collections.abc import AsyncIterator, Callable

from postroad.model.queue import Needs
from postroad.ports.transport import Outgoing
from postroad.sessions.smtp.client.ports import Stream, Wait
from postroad.sessions.smtp.ports import Tls


class ScriptedServer(Stream):
    """`breaks_after` octets of what is written, writing fails."""

    def __init__(self, script: str, *, breaks_after: int | None = None) -> None:
        self._steps = [line.strip() for line in script.splitlines() if line.strip()]
        self._written = b""
        self._breaks_after = breaks_after
        self.waits: list[Wait] = []

    async def read(self, wait: Wait) -> bytes:
        self.waits.append(wait)
        self._check_written()
        answer = b""
        while self._steps and self._steps[0].startswith("S:"):
            answer += self._steps.pop(0)[2:].strip().encode() + b"\r\n"
        if answer:
            return answer
        match self._steps.pop(0) if self._steps else "END":
            case "RESET":
                raise ConnectionResetError("reset by peer")
            case "TIMEOUT":
                raise TimeoutError
            case "END":
                return b""
            case step:
                raise AssertionError(f"the client reads when {step!r} is due")

    async def write(self, octets: bytes) -> None:
        if self._breaks_after is not None:
            self._breaks_after -= len(octets)
            if self._breaks_after < 0:
                self._steps = [step for step in self._steps if not step.startswith("C:")]
                self._written = b""
                raise BrokenPipeError("broken pipe")
        self._written += octets

    async def start_tls(self) -> Tls:
        self._check_written()
        step = self._steps.pop(0)
        assert step in ("TLS", "NO TLS"), f"a handshake when {step!r} is due"
        if step == "NO TLS":
            raise OSError("certificate expired")
        return Tls("TLSv1.3", "AES")

    def done(self) -> None:
        """The whole script must have been played."""
        self._check_written()
        assert not self._steps, f"left over: {self._steps}"

    def _check_written(self) -> None:
        while self._steps and self._steps[0].startswith("C:"):
            want = self._steps.pop(0)[2:].strip().encode()
            got, found, self._written = self._written.partition(b"\r\n")
            assert found, f"want {want!r}, got only {got!r}"
            assert got == want, f"want {want!r}, got {got!r}"
        assert not self._written, f"nobody expected {self._written!r}"


def outgoing(
    *forward_paths: str,
    reverse_path: str = "a@example.org",
    content: bytes = b"Subject: x\r\n",
    needs: Needs | None = None,
    chunks: Callable[[], AsyncIterator[bytes]] | None = None,
) -> Outgoing:
    async def whole() -> AsyncIterator[bytes]:
        if content:
            yield content

    return Outgoing(reverse_path, forward_paths, len(content), needs or Needs(), chunks or whole)
