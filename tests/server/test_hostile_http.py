"""HTTP clients that mean harm, or know no better, against the running server."""

import json
import time

import psutil
import pytest

from server.talking import Talk, wait_until_closed
from support.server import RunningServer


def _talk(server: RunningServer) -> Talk:
    return Talk(server.connect("http"))


def _status(client: Talk) -> bytes:
    return client.line().partition(b" ")[2][:3]


@pytest.mark.parametrize(
    "start",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
        b"GET /",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10,
        b"POST /emails HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST /emails HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
    ],
)
def test_a_head_without_end_is_cut_off(shared_server: RunningServer, start: bytes) -> None:
    process = psutil.Process(shared_server.pid)
    before = process.memory_info().rss
    client = _talk(shared_server)
    sent = 0
    try:
        client.send(start)
        while sent < 60_000_000:
            client.send(b"x" * 60_000 if not start.endswith(b"b\r\n") else b"A: b\r\n" * 10_000)
            sent += 60_000
    except ConnectionError:
        pass
    client.socket.close()
    assert sent < 60_000_000
    assert process.memory_info().rss - before < 20_000_000
    assert shared_server.is_ready()


def test_a_body_that_is_too_large_is_refused_before_it_comes(shared_server: RunningServer) -> None:
    client = _talk(shared_server)
    client.send(
        f"POST /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared_server.api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{".encode()
    )
    assert _status(client) == b"413"
    client.socket.close()


def test_a_body_that_grows_too_large_is_cut_off(shared_server: RunningServer) -> None:
    process = psutil.Process(shared_server.pid)
    before = process.memory_info().rss
    client = _talk(shared_server)
    client.send(
        f"POST /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared_server.api_key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"%x\r\n%b\r\n" % (100_000, b" " * 100_000)
    sent = 0
    try:
        while sent < 200_000_000:
            client.send(chunk)
            sent += 100_000
    except ConnectionError:
        pass
    client.socket.close()
    assert sent < 200_000_000
    time.sleep(0.2)
    assert process.memory_info().rss - before < 100_000_000
    assert shared_server.is_ready()


def test_tiny_chunks_are_taken(shared_server: RunningServer) -> None:
    client = _talk(shared_server)
    body = b" " * 50_000 + b"{}"
    client.send(
        f"POST /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared_server.api_key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + b"".join(b"1\r\n%c\r\n" % octet for octet in body)
        + b"0\r\n\r\n"
    )
    assert _status(client) == b"422"
    client.socket.close()


def test_requests_one_behind_the_other(shared_server: RunningServer) -> None:
    client = _talk(shared_server)
    count = 3000
    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * count)
    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert wait_until_closed(client, 60).count(b"HTTP/1.1 200") == count + 1
    client.socket.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"\0\1\2\3\r\n\r\n",
        b"EHLO there\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /emails HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /emails HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(shared_server: RunningServer, octets: bytes) -> None:
    client = _talk(shared_server)
    client.send(octets)
    assert _status(client)[:1] == b"4"
    client.socket.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'{"from": "\\ud800", "to": "a@b.test", "subject": "x", "text": "x"}',
        b'{"from": "a@example.test\\r\\nBcc: x@y.test", "to": "a@b.test", "subject": "x"}',
        json.dumps({"from": "alice@example.test", "to": ["a@b.test"] * 10_000, "subject": "x",
                    "text": "x"}).encode(),
        b'{"from": "alice@example.test", "to": "bob@example.test", "subject": 1e999, "text": "x"}',
    ],
)  # fmt: skip
def test_bodies_that_are_no_email_are_refused_in_words(
    shared_server: RunningServer, body: bytes
) -> None:
    client = _talk(shared_server)
    client.send(
        f"POST /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared_server.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n".encode()
        + body
    )
    head, _, answer = wait_until_closed(client).partition(b"\r\n\r\n")
    assert head.split()[1][:1] == b"4"
    assert json.loads(answer)["message"]
    client.socket.close()
