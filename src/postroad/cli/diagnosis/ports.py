"""Whether the ports are free, or ours."""

import errno
import socket
from dataclasses import fields

import psutil

from postroad.cli.diagnosis.finding import Finding, Level
from postroad.config.checks import split_listener
from postroad.config.settings import Settings


def ports(settings: Settings) -> list[Finding]:
    """Each address of `listen`; one that this program serves already is fine."""
    owners = _owners()
    findings = []
    for field in fields(settings.listen):
        for address in getattr(settings.listen, field.name):
            findings.append(_look(field.name, address, owners))
    return findings


def _look(service: str, address: str, owners: dict[int, str]) -> Finding:
    subject = f"port {service} {address}"
    host, port = split_listener(address)
    try:
        _bind(host, port)
    except PermissionError:
        what = f"this user may not use port {port}"
        fix = "run it by systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE, or choose another"
        return Finding(Level.FAIL, subject, what, fix)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(service, subject, port, owners)
        fix = f"correct listen.{service}: {host} has to be an address of this machine"
        return Finding(Level.FAIL, subject, error.strerror or str(error), fix)
    return Finding(Level.OK, subject, "free")


def _taken(service: str, subject: str, port: int, owners: dict[int, str]) -> Finding:
    owner = owners.get(port)
    if owner is not None and "postroad" in owner:
        return Finding(Level.OK, subject, f"served by {owner}")
    if owner is None:
        fix = f"see who has it: ss -ltnp 'sport = :{port}' (as root)"
        return Finding(Level.WARN, subject, "taken, maybe by a postroad of another user", fix)
    fix = f"stop it, or change listen.{service}"
    return Finding(Level.FAIL, subject, f"taken by {owner}", fix)


def _bind(host: str, port: int) -> None:
    """Raises `OSError` where a server could not listen either."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)
        probe.listen(1)


def _owners() -> dict[int, str]:
    """Which program listens on each port, as far as this user may see."""
    owners: dict[int, str] = {}
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return owners
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.pid is not None and one.laddr:
            owners[one.laddr.port] = _program(one.pid)
    return owners


def _program(pid: int) -> str:
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid}: {' '.join(words)[:100]}"
