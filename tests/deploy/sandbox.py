"""Run the server as the systemd units do, without systemd, and talk to it.

In namespaces of its own all files are read-only but its folder, it has no capabilities, the unit's
system calls, and the sockets of the socket unit at 3 and above. Standard input is a description
in JSON, standard output what was seen. Exit code 77: this machine does not allow namespaces.
"""

import ctypes
import fcntl
import json
import os
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

NOT_POSSIBLE = 77
STATE = Path("/var/lib/postroad")
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _RDONLY = 442, -100, 0x8000, 1
_PRIVATE = 1 << 18
_CAPABILITIES = 64  # no kernel has more
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 24, 38, 65
_ALLOW, _ERRNO_EPERM, _EQUAL = 0x7FFF0000, 0x00050001, 4
_TLS_PORTS = (465, 993, 443)


class _Comparison(ctypes.Structure):
    """scmp_arg_cmp of libseccomp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("two", ctypes.c_uint64),
    )


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_namespaces() -> None:
    uid, gid = os.getuid(), os.getgid()
    flags = _NEWNET | _NEWNS | (0 if uid == 0 else _NEWUSER)
    _check(_LIBC.unshare(flags))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    with socket.socket() as one:  # SIOCSIFFLAGS: lo is up
        fcntl.ioctl(one, 0x8914, struct.pack("16sh22x", b"lo", 0x1 | 0x40))
    _set_mounts(b"/", _AT_RECURSIVE, add=0, remove=0, propagation=_PRIVATE)
    _check(_LIBC.mount(b"tmpfs", b"/var/lib", b"tmpfs", 0, None))
    STATE.mkdir(mode=0o700)
    _set_mounts(b"/", _AT_RECURSIVE, add=_RDONLY)
    _set_mounts(b"/var/lib", 0, remove=_RDONLY)
    if os.access("/tmp", os.W_OK):
        raise SystemExit("the file systems are not read-only")


def _set_mounts(
    path: bytes, how: int, add: int = 0, remove: int = 0, propagation: int = 0
) -> None:
    attributes = struct.pack("4Q", add, remove, propagation, 0)
    _check(_LIBC.syscall(_MOUNT_SETATTR, _AT_FDCWD, path, how, attributes, len(attributes)))


def restrict(calls: list[str], families: list[str]) -> None:
    """In the new process: no capability, and no way to others; then the filter of calls."""
    for number in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    _check(_LIBC.capset(header, struct.pack("6I", 0, 0, 0, 0, 0, 0)))
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _LIBC.prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3 and newer
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filtered = ctypes.c_void_p(seccomp.seccomp_init(_ERRNO_EPERM))
    for name in calls:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and name != "socket":
            _check(seccomp.seccomp_rule_add_array(filtered, _ALLOW, number, 0, None))
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for family in families:
        of_family = (_Comparison * 1)(_Comparison(0, _EQUAL, getattr(socket, family), 0))
        _check(seccomp.seccomp_rule_add_array(filtered, _ALLOW, number, 1, of_family))
    _check(seccomp.seccomp_load(filtered))


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def listening(address: str) -> socket.socket:
    host, port = split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family)
    if family == socket.AF_INET6:  # BindIPv6Only=ipv6-only
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((host, port))
    one.listen(1024)
    return one


def activate(words: list[str], given: list[socket.socket], told: dict[str, list[str]]) -> int:
    """Start as systemd does: the sockets are 3 and above, and the variables name the process."""
    pid = os.fork()
    if pid:
        return pid
    try:
        high = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 200) for one in given]
        for number, one in enumerate(high):
            os.dup2(one, 3 + number)
        os.closerange(3 + len(given), 1000)
        os.dup2(2, 1)
        os.chdir(STATE)
        os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given))}
        restrict(told["calls"], told["families"])
        os.execv(words[0], words)  # noqa: S606  # our own program
    finally:
        os._exit(1)


def first_line(address: str, tls: ssl.SSLContext) -> str:
    """Of a service's greeting, or of what it answers to a request."""
    host, port = split(address)
    with socket.create_connection((host.replace("0.0.0.0", "127.0.0.1"), port), 10) as plain:  # noqa: S104
        one = tls.wrap_socket(plain) if port in _TLS_PORTS else plain
        if port in (443, 8080):
            one.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        line = one.makefile("rb").readline()
        if one is not plain:
            one.close()
        return line.decode().strip()


def wait_until_ready(pid: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            raise SystemExit(f"the server ended: {os.waitstatus_to_exitcode(status)}")
        try:  # the socket is open from the beginning, so who asks just waits
            with urllib.request.urlopen("http://127.0.0.1:8080/readyz", timeout=30):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server is not ready")


def main() -> None:
    told = json.load(sys.stdin)
    try:
        enter_namespaces()
    except OSError as error:
        print(f"namespaces are not possible here: {error}", file=sys.stderr)
        sys.exit(NOT_POSSIBLE)
    os.environ |= told["environment"]
    program = [sys.executable, "-m", "postroad"]
    subprocess.run(
        [*program, "init", "--domain", "example.org", "--admin", "alice@example.org"],
        cwd=STATE,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    given = [listening(address) for address in told["addresses"]]
    pid = activate([*program, "serve"], given, told)
    try:
        wait_until_ready(pid)
        tls = ssl.create_default_context(cafile=str(STATE / "tls" / "self-signed.pem"))
        tls.check_hostname = False
        seen = {address: first_line(address, tls) for address in told["addresses"]}
        with smtplib.SMTP("127.0.0.1", 25, "else.test", timeout=30) as mail:
            mail.sendmail("carol@else.test", "alice@example.org", "Subject: Hi\r\n\r\nHi.\r\n")
        os.kill(pid, signal.SIGHUP)
        state = Path(f"/proc/{pid}/status").read_text()
        wait_until_ready(pid)
    finally:
        os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    json.dump(
        {"code": os.waitstatus_to_exitcode(status), "seen": seen, "state": state}, sys.stdout
    )


if __name__ == "__main__":
    main()
