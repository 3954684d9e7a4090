"""Undelete by REST, over the real store, with a mail program that looks on."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from server.talking import deliver, imap
from support.server import ALICE, BOB, MakeServer, RunningServer

pytestmark = pytest.mark.slow


def _ask(server: RunningServer, target: str, body: object = None) -> tuple[int, Any]:  # JSON
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{server.http}/accounts/{target}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # our own server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_what_a_mail_program_expunged_comes_back_by_rest(make_server: MakeServer) -> None:
    server = make_server()
    for subject in ("one", "two", "three"):
        assert deliver(server, ALICE, f"Subject: {subject}\r\n\r\n".encode())[:3] == b"250"
    expunged = f"{ALICE}/expunged"
    with imap(server, ALICE) as client:
        assert _ask(server, expunged) == (200, {"object": "list", "has_more": False, "data": []})
        client.do(b"STORE 1:2 +FLAGS (\\Deleted \\Flagged)")
        client.do(b"EXPUNGE")
        listed = _ask(server, f"{expunged}?mailbox=inbox")[1]["data"]
        ids = {each["subject"]: each["id"] for each in listed}
        assert sorted(ids) == ["one", "two"]
        # Nobody else's, whoever names them.
        assert _ask(server, f"{BOB}/expunged/restore", {"ids": [ids["one"]]})[0] == 404
        status, done = _ask(server, f"{expunged}/restore", {"ids": [ids["one"], "1.999"]})
        assert status == 200
        assert done["data"] == [{"id": ids["one"], "mailbox": "INBOX", "uid": 4}]
        # The client that still has the mailbox selected sees it arrive, under a new UID.
        client.send(b"t NOOP\r\n")
        assert b"* 2 EXISTS\r\n" in client.until(b"t ")
        client.send(b"t FETCH 2 (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
        told = b"".join(client.until(b"t "))
        assert b"UID 4" in told
        assert b"Subject: one" in told
        assert b"\\Flagged" in told
        assert b"\\Deleted" not in told
    server.restart()
    assert [each["subject"] for each in _ask(server, expunged)[1]["data"]] == ["two"]
    assert _ask(server, f"{expunged}/restore", {"ids": [ids["one"]]})[0] == 404
