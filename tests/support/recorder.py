"""A recorder between a client and the server: it passes on what both say and keeps it as lines.

It takes connections without TLS, so the server behind it has to allow passwords over loopback
(`auth.cleartext: loopback`). What comes after COMPRESS or STARTTLS is passed on, but not kept.
With RECORD_TO=FOLDER in the environment all of it is written there: to make transcripts of.
"""

import os
import re
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from support.ports import HOST

_COMMAND = re.compile(rb"[^ +*\r\n\"(]+ ((?:UID )?[A-Za-z0-9]+)(?: |\r\n|\Z)")
_REFUSAL = re.compile(rb"(?m)^(?:[^ +*]+|\*) BAD .*$|^\* BYE (?!Until next time).*$")
_UNREADABLE = re.compile(rb"[^ ]+ (?:STARTTLS|COMPRESS DEFLATE)\r?\n\Z", re.IGNORECASE)


@dataclass(slots=True)
class Conversation:
    """What was said on one connection, in order, as ``C: ...`` and ``S: ...``."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)
    _rest: dict[str, bytes] = field(default_factory=lambda: {"C": b"", "S": b""})
    _ends: bool = False

    def add(self, who: str, octets: bytes) -> None:
        *whole, rest = (self._rest[who] + octets).split(b"\n")
        for line in whole:
            if self._ends:
                return
            self.lines.append((who, line + b"\n"))
            self._ends = who == "C" and _UNREADABLE.match(line + b"\n") is not None
        self._rest[who] = rest

    def said(self, who: str) -> bytes:
        return b"".join(line for speaker, line in self.lines if speaker == who)

    def __str__(self) -> str:
        return "\n".join(
            f"{who}: {line.decode('utf-8', 'replace').rstrip()}" for who, line in self.lines
        )


@dataclass(slots=True)
class Recorder:
    """All conversations so far."""

    port: int
    conversations: list[Conversation] = field(default_factory=list)

    def said(self, who: str) -> bytes:
        return b"".join(one.said(who) for one in self.conversations)

    def commands(self) -> set[str]:
        """The names of the commands that the clients gave; literals may add a few words."""
        found = (_COMMAND.match(line) for line in self.said("C").splitlines(keepends=True))
        return {match[1].decode().upper() for match in found if match}

    def refusals(self) -> list[bytes]:
        """What the server called wrong, or ended by itself: BAD, and BYE without LOGOUT."""
        return _REFUSAL.findall(self.said("S"))

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.conversations))


@contextmanager
def recorder(port: int) -> Iterator[Recorder]:
    """Listens on a port of its own and connects to `port` for each client."""
    with socket.create_server((HOST, 0)) as listener:
        made = Recorder(listener.getsockname()[1])
        over = Event()
        worker = Thread(target=_serve, args=(listener, port, made, over), daemon=True)
        worker.start()
        try:
            yield made
        finally:
            over.set()
            worker.join(10)
            _write(made)


def _write(made: Recorder) -> None:
    if folder := os.environ.get("RECORD_TO"):
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("/")[2].partition(" ")[0]
        (Path(folder) / re.sub(r"[^\w.-]+", "-", test)).write_text(f"{made}\n")


@dataclass(frozen=True, slots=True)
class _End:
    conversation: Conversation
    who: str
    other: socket.socket


def _serve(listener: socket.socket, port: int, made: Recorder, over: Event) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while not over.is_set():
            for key, _ in selector.select(0.1):
                if key.data is None:
                    _accept(listener, port, made, selector)
                else:
                    _pass_on(key, selector)
        for key in list(selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.data is not None:
                key.fileobj.close()


def _accept(
    listener: socket.socket, port: int, made: Recorder, selector: selectors.BaseSelector
) -> None:
    client, _ = listener.accept()
    server = socket.create_connection((HOST, port), 10)
    conversation = Conversation()
    made.conversations.append(conversation)
    selector.register(client, selectors.EVENT_READ, _End(conversation, "C", server))
    selector.register(server, selectors.EVENT_READ, _End(conversation, "S", client))


def _pass_on(key: selectors.SelectorKey, selector: selectors.BaseSelector) -> None:
    end, source = key.data, key.fileobj
    assert isinstance(end, _End)
    assert isinstance(source, socket.socket)
    if source.fileno() < 0:
        return
    octets = b""
    with suppress(OSError):
        octets = source.recv(65_536)
    if octets:
        end.conversation.add(end.who, octets)
        with suppress(OSError):
            end.other.sendall(octets)
        return
    for one in (source, end.other):
        with suppress(KeyError, ValueError):
            selector.unregister(one)
        one.close()
