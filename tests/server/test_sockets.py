"""Listening sockets: kept for workers, or handed over by systemd."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from postroad.base.errors import Invalid
from postroad.server.sockets import Sockets, bound, handed_over


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = int(one.getsockname()[1])
        with pytest.raises(Invalid, match=re.escape(f"127.0.0.1:{port}") + r".*listen\.imap"):
            bound("imap", "127.0.0.1", port)
    with pytest.raises(Invalid, match=r"listen\.smtp"):
        bound("smtp", "192.0.2.1", 0)


def test_what_is_kept_takes_connections_before_anybody_serves() -> None:
    sockets = Sockets()
    sockets.keep("smtp", "127.0.0.1", 0)
    sockets.keep("smtp", "127.0.0.1", 0)
    first = sockets.take("smtp", "127.0.0.1", 0)
    with closing(first), socket.create_connection(first.getsockname(), 5):
        accepted, _ = first.accept()
        accepted.close()
    second = sockets.take("smtp", "127.0.0.1", 0)
    assert second.getsockname() != first.getsockname
    second.close()
    sockets.close()


def test_when_all_ends_nobody_comes_in() -> None:
    sockets = Sockets()
    with bound("imap", "127.0.0.1", 0) as probe:
        port = int(probe.getsockname()[1])
    sockets.keep("imap", "127.0.0.1", port)
    socket.create_connection(("127.0.0.1", port), 5).close()
    sockets.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_a_socket_that_was_handed_over_is_found_by_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        port = int(given.getsockname()[1])
        sockets = Sockets([given])
        with pytest.raises(Invalid, match=rf"127\.0\.0\.1:{port} was handed over"):
            sockets.refuse_others()
        assert sockets.take("smtp", "127.0.0.1", port) is given
        sockets.refuse_others()


def test_without_the_variables_nothing_is_handed_over() -> None:
    environ = {"LISTEN_FDS": "3", "LISTEN_PID": str(os.getpid() + 1), "OTHER": "x"}
    handed_over(environ).refuse_others()
    assert environ == {"OTHER": "x"}, "not meant for us, nor for those that we start"


def test_what_cannot_be_is_told() -> None:
    environ = {"LISTEN_FDS": "many", "LISTEN_PID": str(os.getpid())}
    with pytest.raises(Invalid, match="LISTEN_FDS is many"):
        handed_over(environ)


def test_sockets_of_systemd() -> None:
    """As systemd does it: the descriptor is 3, and the variables name the new process."""
    script = (
        "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid())\n"
        "from postroad.server.sockets import handed_over\n"
        "taken = handed_over(os.environ).take('smtp', '127.0.0.1', int(sys.argv[1]))\n"
        "print(taken.fileno(), os.get_inheritable(3), 'LISTEN_FDS' in os.environ)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as given:
        port = int(given.getsockname()[1])
        before = (
            f"import os, sys\nos.dup2({given.fileno()}, 3)\n"
            "os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", before, script, str(port)],
            env=os.environ | {"LISTEN_FDS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=[given.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.stdout.split() == ["3", "False", "False"], ran.stderr
