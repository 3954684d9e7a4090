"""curl as mail program and as REST client."""

import json
import secrets
from pathlib import Path

import pytest

from interop.inbox import arrived
from interop.programs import Done, need, run
from support.ports import HOST
from support.server import ALICE, BOB, RunningServer

pytestmark = pytest.mark.real


def _curl(server: RunningServer, *words: str, stdin: bytes = b"") -> Done:
    quiet = ["-sS", "--max-time", "30", "--cacert", str(server.certificate)]
    return run([need("curl", "curl"), *quiet, *words], stdin=stdin)


def _user(server: RunningServer, who: str) -> list[str]:
    return ["-u", f"{who}:{server.passwords[who]}"]


def _message(word: str) -> bytes:
    return f"From: {BOB}\r\nTo: {ALICE}\r\nSubject: {word}\r\n\r\nA line.\r\n.\r\nEnd\r\n".encode()


@pytest.mark.parametrize(
    ("scheme", "service", "more"),
    [("smtp", "submission", ["--ssl-reqd"]), ("smtps", "submissions", [])],
)
def test_sending(
    shared_server: RunningServer, tmp_path: Path, scheme: str, service: str, more: list[str]
) -> None:
    word = secrets.token_hex(8)
    file = tmp_path / "message"
    file.write_bytes(_message(word))
    done = _curl(
        shared_server, f"{scheme}://localhost:{shared_server.ports[service]}", *more,
        *_user(shared_server, BOB), "--mail-from", BOB, "--mail-rcpt", ALICE, "-T", str(file),
    )  # fmt: skip
    assert done.code == 0, done.out
    assert arrived(shared_server, ALICE, word).get_content() == "A line.\r\n.\r\nEnd\r\n"


@pytest.mark.parametrize(
    ("scheme", "service", "more"), [("imap", "imap", ["--ssl-reqd"]), ("imaps", "imaps", [])]
)
def test_reading(
    shared_server: RunningServer, tmp_path: Path, scheme: str, service: str, more: list[str]
) -> None:
    word = secrets.token_hex(8)
    url = f"{scheme}://localhost:{shared_server.ports[service]}"
    user = [*more, *_user(shared_server, ALICE)]
    file = tmp_path / "message"
    file.write_bytes(_message(word))
    made = _curl(shared_server, f"{url}/", "-X", f"CREATE {word}", *user)
    assert made.code == 0, made.out
    kept = _curl(shared_server, f"{url}/{word}", "-T", str(file), *user)
    assert kept.code == 0, kept.out
    listed = _curl(shared_server, f"{url}/", *user)
    assert f" {word}" in listed.out
    found = _curl(shared_server, f"{url}/{word}?SUBJECT%20{word}", *user)
    assert found.out.split() == ["*", "SEARCH", "1"]
    read = _curl(shared_server, f"{url}/{word};MAILINDEX=1", *user)
    assert read.out.encode() == _message(word)
    header = _curl(shared_server, f"{url}/{word};UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)", *user)
    assert header.out.strip() == f"Subject: {word}"


def test_the_rest_api(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    email = {"from": f"Bob <{BOB}>", "to": [ALICE], "subject": word, "text": "By REST."}
    done = _curl(
        shared_server, f"{shared_server.http}/emails", "-H", "Content-Type: application/json",
        "-H", f"Authorization: Bearer {shared_server.api_key}", "-d", json.dumps(email),
        "-w", "\n%{http_code}",
    )  # fmt: skip
    body, status = done.out.rsplit("\n", 1)
    assert status == "200", done.out
    assert json.loads(body)["id"]
    assert arrived(shared_server, ALICE, word).get_content().strip() == "By REST."


def test_the_rest_api_over_tls(shared_server: RunningServer) -> None:
    url = f"https://localhost:{shared_server.ports['https']}"
    done = _curl(shared_server, f"{url}/domains", "-w", "\n%{http_code}")
    assert done.out.rsplit("\n", 1)[1] == "401"
    ready = _curl(shared_server, f"{url}/readyz")
    assert json.loads(ready.out)["status"] == "ok"
    metrics = _curl(shared_server, f"http://{HOST}:{shared_server.ports['http']}/metrics")
    assert "postroad" in metrics.out
