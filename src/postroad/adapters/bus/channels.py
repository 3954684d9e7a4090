"""Datagrams between workers: a socket pair for each, made before any of them starts."""

import socket

_BUFFER_OCTETS = 1024 * 1024
MAX_DATAGRAM = 60_000


class Channels:
    """All processes hold all ends, so a worker that is started anew finds its mail there."""

    def __init__(self, count: int) -> None:
        self._readers: list[socket.socket] = []
        self._writers: list[socket.socket] = []
        for _ in range(count):
            reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            for end in (reader, writer):
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_OCTETS)
            self._readers.append(reader)
            self._writers.append(writer)

    def close(self) -> None:
        for end in (*self._readers, *self._writers):
            end.close()

    def reader(self, number: int) -> socket.socket:
        return self._readers[number]

    def send(self, number: int, octets: bytes) -> bool:
        """Never waits; False when the other one is too far behind."""
        try:
            self._writers[number].send(octets)
        except OSError:  # its queue is full, or the system's memory is
            return False
        return True

    def receive(self, number: int) -> bytes | None:
        try:
            return self._readers[number].recv(MAX_DATAGRAM)
        except BlockingIOError:
            return None
