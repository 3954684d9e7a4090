"""A plain IMAP client that shows each response as it came, and tells a lost connection apart."""

import re
import socket
from dataclasses import dataclass, field

from crash.ledger import KEY, Violation

_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_UID = re.compile(rb"UID (\d+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_MOD_SEQ = re.compile(rb"MODSEQ \((\d+)\)")
_VANISHED = re.compile(rb"\* VANISHED (?:\(EARLIER\) )?([0-9:,]+)")
_SECONDS = 30


class Gone(OSError):
    """The server ended the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    uid: int
    key: str
    flags: frozenset[str]
    mod_seq: int


@dataclass(frozen=True, slots=True)
class Reply:
    text: bytes  # of the tagged response, after the tag
    untagged: list[bytes] = field(default_factory=list)

    def code(self, name: bytes) -> list[bytes]:
        """The words of a response code, wherever it stands. Raises `Violation` without one."""
        pattern = re.compile(rb"\[" + name + rb" ([^\]]*)\]")
        for line in [self.text, *self.untagged]:
            if match := pattern.search(line):
                return match[1].split()
        raise Violation(f"no {name!r} in {self}")

    def mod_seqs(self) -> list[int]:
        return [int(number) for line in self.untagged for number in _MOD_SEQ.findall(line)]

    def vanished(self) -> set[int]:
        found: set[int] = set()
        for line in self.untagged:
            if match := _VANISHED.match(line):
                found.update(uids_of(match[1]))
        return found

    def messages(self) -> list[Message]:
        """Of FETCH responses with UID and FLAGS; the key where ENVELOPE is there, too."""
        found = []
        for line in self.untagged:
            if uid := _UID.search(line) if b" FETCH (" in line else None:
                flags, mod_seq, key = (p.search(line) for p in (_FLAGS, _MOD_SEQ, KEY))
                if flags is None:
                    raise Violation(f"no FLAGS in {line!r}")
                names = frozenset(flags[1].decode().split()) - {"\\Recent"}
                found.append(
                    Message(
                        int(uid[1]),
                        key[1].decode() if key else "",
                        names,
                        int(mod_seq[1]) if mod_seq else 0,
                    )
                )
        return found


class Imap:
    """Logged in when it is made; every method raises `OSError` once the connection is lost."""

    def __init__(self, port: int, address: str, password: str, *, may_fail: bool = False) -> None:
        """With `may_fail` an answer that something is away counts as a lost connection."""
        self._may_fail = may_fail
        self._socket = socket.create_connection(("127.0.0.1", port), _SECONDS)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        try:
            self._line()
            self.command(f'LOGIN {address} "{password}"')
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "Imap":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def command(self, text: str, literal: bytes | None = None) -> Reply:
        """Raises `Violation` for anything but OK."""
        self._count += 1
        tag = b"t%d" % self._count
        octets = tag + b" " + text.encode()
        if literal is not None:
            octets += b" {%d+}\r\n" % len(literal) + literal
        self._socket.sendall(octets + b"\r\n")
        untagged = []
        while not (line := self._line()).startswith(tag + b" "):
            untagged.append(line)
        reply = Reply(line[len(tag) + 1 :], untagged)
        if self._may_fail and reply.text.startswith(b"NO [UNAVAILABLE]"):
            raise Gone(reply.text.decode())
        if not reply.text.startswith(b"OK"):
            raise Violation(f"{text}: {reply.text!r}")
        return reply

    def _line(self) -> bytes:
        """A response with its literals."""
        line = self._read_line()
        while match := _LITERAL.search(line):
            octets = self._stream.read(int(match[1]))
            line += octets + self._read_line()
        if line.startswith(b"* BYE"):
            raise Gone(line.decode())
        return line

    def _read_line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise Gone("the connection ended")
        return line


def uids_of(text: bytes) -> list[int]:
    """``3:5,8`` as numbers, in the order given."""
    found: list[int] = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def uid_set(uids: list[int]) -> str:
    return ",".join(map(str, uids))
