"""The official SDKs of Resend, unchanged, against the whole server: mail really arrives."""

import json
import secrets
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import resend
from resend.exceptions import ResendError

from interop.inbox import arrived, messages, wait_for
from interop.test_resend_node import sdk
from support.server import ALICE, BOB, RunningServer

pytestmark = pytest.mark.real

__all__ = ["sdk"]


@pytest.fixture
def server(shared_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    monkeypatch.setattr(resend, "api_url", shared_server.http)
    monkeypatch.setattr(resend, "api_key", shared_server.api_key)
    return shared_server


def _email(word: str) -> resend.Emails.SendParams:
    return {"from": f"Bob <{BOB}>", "to": [ALICE], "subject": word, "html": f"<p>{word}</p>"}


def test_an_email_arrives_and_its_story_can_be_read(server: RunningServer) -> None:
    word = secrets.token_hex(8)
    sent = resend.Emails.send(
        {
            **_email(word),
            "cc": BOB,
            "bcc": ALICE,
            "reply_to": "reply@elsewhere.test",
            "headers": {"X-Entity-Ref-ID": word},
            "tags": [{"name": "kind", "value": "test"}],
            "attachments": [{"filename": "gr\u00fc\u00dfe.txt", "content": list(b"hello")}],
        }
    )
    message = arrived(server, ALICE, word)
    assert message["Reply-To"] == "reply@elsewhere.test"
    assert message["X-Entity-Ref-ID"] == word
    assert message["Bcc"] is None
    assert message["DKIM-Signature"] is not None
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "gr\u00fc\u00dfe.txt"
    assert attachment.get_content() == "hello"
    arrived(server, BOB, word)
    wait_for(lambda: resend.Emails.get(sent["id"])["last_event"] == "delivered", "delivered")
    assert sent["id"] in [one["id"] for one in resend.Emails.list({"limit": 100})["data"]]


def test_a_repeated_key_sends_once(server: RunningServer) -> None:
    word, key = secrets.token_hex(8), secrets.token_hex(8)
    ids = {resend.Emails.send(_email(word), {"idempotency_key": key})["id"] for _ in range(3)}
    assert len(ids) == 1
    arrived(server, ALICE, word)
    with pytest.raises(ResendError, match=r"[Ii]dempotency"):
        resend.Emails.send(_email("another"), {"idempotency_key": key})


def test_a_batch(server: RunningServer) -> None:
    words = [secrets.token_hex(8) for _ in range(10)]
    answer = resend.Batch.send([_email(word) for word in words])
    assert len(answer["data"]) == len(words)
    for word in words:
        arrived(server, ALICE, word)


def test_a_canceled_email_never_comes(server: RunningServer) -> None:
    word = secrets.token_hex(8)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    sent = resend.Emails.send({**_email(word), "scheduled_at": later})
    assert resend.Emails.get(sent["id"])["last_event"] == "scheduled"
    resend.Emails.cancel(sent["id"])
    assert resend.Emails.get(sent["id"])["last_event"] == "canceled"
    assert messages(server, ALICE, word) == []


def test_a_domain_and_keys(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{secrets.token_hex(4)}.example.test"
    domain = resend.Domains.create({"name": name})
    assert {record["type"] for record in domain["records"] or ()} >= {"MX", "TXT"}
    assert resend.Domains.get(domain["id"])["name"] == name
    key = resend.ApiKeys.create({"name": "sender", "permission": "sending_access"})
    full = resend.api_key
    monkeypatch.setattr(resend, "api_key", key["token"])
    word = secrets.token_hex(8)
    resend.Emails.send(_email(word))
    with pytest.raises(ResendError, match="restricted to only send"):
        resend.Domains.list()
    monkeypatch.setattr(resend, "api_key", full)
    resend.ApiKeys.remove(key["id"])
    monkeypatch.setattr(resend, "api_key", key["token"])
    with pytest.raises(resend.exceptions.InvalidApiKeyError):
        resend.Emails.send(_email(word))
    monkeypatch.setattr(resend, "api_key", full)
    assert resend.Domains.remove(domain["id"])["deleted"] is True
    arrived(server, ALICE, word)


def test_nobody_sends_for_a_domain_of_others(server: RunningServer) -> None:
    with pytest.raises(ResendError, match=r"elsewhere\.test"):
        resend.Emails.send({**_email("x"), "from": "eve@elsewhere.test"})


def test_the_node_sdk(server: RunningServer, sdk: Path) -> None:
    word = secrets.token_hex(8)
    script = Path(__file__).with_name("resend_real.mjs")
    done = subprocess.run(
        ["node", str(script), str(sdk), server.http, server.api_key, BOB, ALICE, word],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    results: dict[str, dict[str, Any]] = json.loads(done.stdout)
    refused = results.pop("refused")
    assert refused["error"]["statusCode"] in (403, 422)
    assert {name: one["error"] for name, one in results.items()} == dict.fromkeys(results)
    assert results["shown"]["data"]["last_event"] == "delivered"
    assert results["repeated"]["data"]["id"] == results["sent"]["data"]["id"]
    assert results["canceledShown"]["data"]["last_event"] == "canceled"
    for kind in ("sent", "batch0", "batch1"):
        arrived(server, ALICE, f"{word}-{kind}")
    (attachment,) = arrived(server, ALICE, f"{word}-sent").iter_attachments()
    assert attachment.get_content() == "hello"
    assert messages(server, ALICE, f"{word}-later") == []
