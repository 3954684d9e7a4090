"""Programs that want a terminal: they get one, and a person's keys come from the test."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path

_LINES, _COLUMNS = 40, 120


class Terminal:
    """One program that runs; what it wrote is in `seen`, with all its control sequences."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.seen = b""
        self._master = master

    def keys(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str, seconds: float = 20) -> None:
        """Wait for a text that was not seen before."""
        start, deadline = len(self.seen), time.monotonic() + seconds
        while text.encode() not in self.seen[start:]:
            assert self._read(deadline), f"{text!r} did not come: {self.seen[start:]!r}"

    def end(self, seconds: float = 30) -> int:
        """Read until the program has ended; its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        """False: the time is over, or the program has ended."""
        if not select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        octets = b""
        with suppress(OSError):  # EIO: nobody has the other side open any more
            octets = os.read(self._master, 65_536)
        self.seen += octets
        return octets != b""


@contextmanager
def terminal(words: Sequence[object], home: Path) -> Iterator[Terminal]:
    """Start a program that has `home` and a terminal of its own."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    environ = {**os.environ, "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environ |= {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "CACHE", "DATA")}
    process = subprocess.Popen(
        ["setsid", "--ctty", *(str(word) for word in words)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=home,
        env=environ,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
