"""A DNS server on a UDP port of this machine that knows what a test tells it, and no more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

_HOST = "127.0.0.1"
_TTL = 1  # seconds: what a test changes is soon seen


class DnsServer:
    """Answers from its table; a name that is not there does not exist (NXDOMAIN)."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((_HOST, 0))
        self._socket.settimeout(0.2)
        self._records: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[str]] = {}
        self._lock = threading.Lock()
        self._broken: set[tuple[dns.name.Name, dns.rdatatype.RdataType]] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dns", daemon=True)
        self.asked: list[tuple[str, str]] = []

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """As the setting `dns.servers` wants it."""
        return f"{_HOST}:{self.port}"

    def add(self, name: str, kind: str, *values: str) -> Self:
        """Records in the words of a zone file: ``add("a.test", "MX", "10 mx.a.test.")``."""
        with self._lock:
            self._records[_key(name, kind)] = list(values)
        return self

    def add_text(self, name: str, text: str) -> Self:
        """A TXT record of any length, in strings of at most 255 octets."""
        parts = [text[start : start + 255] for start in range(0, len(text), 255)]
        escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
        return self.add(name, "TXT", " ".join(f'"{part}"' for part in escaped))

    def remove(self, name: str, kind: str) -> None:
        with self._lock:
            self._records.pop(_key(name, kind), None)

    def fail(self, name: str, kind: str = "ANY") -> Self:
        """Answer SERVFAIL for this name from now on, or for one kind of record."""
        with self._lock:
            self._broken.add(_key(name, kind))
        return self

    def texts(self, name: str) -> list[bytes]:
        """The TXT records of a name, for a verifier that asks without the network."""
        with self._lock:
            values = self._records.get(_key(name, "TXT"), [])
            found = dns.rrset.from_text_list(name, _TTL, "IN", "TXT", values) if values else ()
            return [b"".join(record.strings) for record in found]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                octets, peer = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(octets), peer)
            except (TimeoutError, dns.exception.DNSException):
                continue

    def _answer(self, octets: bytes) -> bytes:
        query = dns.message.from_wire(octets)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        question = query.question[0]
        name, kind = question.name, question.rdtype
        with self._lock:
            self.asked.append((name.to_text(), dns.rdatatype.to_text(kind)))
            values = self._records.get((_lower(name), kind), [])
            known = any(_lower(name) == one for one, _ in self._records)
            broken = any((_lower(name), one) in self._broken for one in (kind, dns.rdatatype.ANY))
        if broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            response.answer.append(
                dns.rrset.from_text_list(name, _TTL, dns.rdataclass.IN, kind, values)
            )
        elif not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65_000)


@contextmanager
def dns_server() -> Iterator[DnsServer]:
    server = DnsServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(name="dns_server")
def dns_server_fixture() -> Iterator[DnsServer]:
    with dns_server() as server:
        yield server


def _key(name: str, kind: str) -> tuple[dns.name.Name, dns.rdatatype.RdataType]:
    return _lower(dns.name.from_text(name)), dns.rdatatype.from_text(kind)


def _lower(name: dns.name.Name) -> dns.name.Name:
    return name.canonicalize()
