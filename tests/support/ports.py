"""Ports of this machine for servers that tests start."""

import contextlib
import itertools
import secrets
import socket

HOST = "127.0.0.1"
_FIRST_PORT, _LAST_PORT = 10_000, 32_000
_ports = itertools.cycle(
    [
        *range(start := _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT), _LAST_PORT),
        *range(_FIRST_PORT, start),
    ]
)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses now.

    Below those that the system gives to outgoing connections, which would come between, and from
    a place of its own for each process of the tests.
    """
    found: list[int] = []
    while len(found) < count:
        port = next(_ports)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((HOST, port))
            found.append(port)
    return found
