"""Listening sockets: bound once, or given to us by who started us (systemd's LISTEN_FDS)."""

import os
import socket
from collections.abc import MutableMapping, Sequence

from postroad.base.errors import Invalid

BACKLOG = 1024
_FIRST_FD = 3  # of sd_listen_fds(3)
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Sockets:
    """Who forks keeps them all open, so that no connection is lost that waits for a worker."""

    def __init__(self, given: Sequence[socket.socket] = ()) -> None:
        self._given = list(given)
        self._kept: dict[tuple[str, str, int], list[socket.socket]] = {}

    def keep(self, name: str, host: str, port: int) -> None:
        """Listen for a service, for workers to come. Raises `Invalid`."""
        listening = self._given_at(host, port) or bound(name, host, port)
        listening.listen(BACKLOG)
        self._kept.setdefault((name, host, port), []).append(listening)

    def take(self, name: str, host: str, port: int) -> socket.socket:
        """The socket of a service, for who will close it. Raises `Invalid`."""
        kept = self._kept.get((name, host, port))
        if kept:
            return kept.pop(0)
        return self._given_at(host, port) or bound(name, host, port)

    def refuse_others(self) -> None:
        """Raises `Invalid` when we were given a socket that no setting names."""
        for one in self._given:
            host, port = one.getsockname()[:2]
            raise Invalid(
                f"a socket at {host}:{port} was handed over (LISTEN_FDS), but no listen setting "
                "names this address. Add it there, or remove it from the socket unit."
            )

    def close(self) -> None:
        """Close what nobody took; nobody comes in once the workers have closed theirs as well."""
        for one in [*self._given, *(one for kept in self._kept.values() for one in kept)]:
            one.close()
        self._given.clear()
        self._kept.clear()

    def _given_at(self, host: str, port: int) -> socket.socket | None:
        if not self._given:
            return None
        wanted = _addresses(host, port)
        for one in self._given:
            if one.getsockname()[:2] in wanted:
                self._given.remove(one)
                return one
        return None


def handed_over(environ: MutableMapping[str, str]) -> Sockets:
    """The sockets that the one who started us has opened; the variables are taken away.

    Raises `Invalid` when what they say cannot be.
    """
    pid, count, _ = (environ.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not count:
        return Sockets()
    try:
        found = [socket.socket(fileno=_FIRST_FD + number) for number in range(int(count))]
    except (OSError, ValueError) as error:
        raise Invalid(f"LISTEN_FDS is {count}, but that cannot be used: {error}") from error
    for one in found:
        if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
            raise Invalid("a socket was handed over (LISTEN_FDS) that is not for TCP")
        one.set_inheritable(False)
        one.setblocking(False)
    return Sockets(found)


def bound(name: str, host: str, port: int) -> socket.socket:
    """A socket bound to an address. Raises `Invalid` with what to do about it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Invalid(
            f"cannot listen for {name} on {host}:{port}: {error.strerror or error}. "
            f"Choose another with listen.{name}, or stop what uses it."
        ) from error
    listening.setblocking(False)
    return listening


def _addresses(host: str, port: int) -> set[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return {(host, port)}
    return {(str(address[0]), int(address[1])) for *_, address in found}
