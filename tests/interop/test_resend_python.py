"""The official Python SDK of Resend, unchanged, against our REST API."""

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
import resend
from resend.exceptions import ResendError

from postroad.model.ids import SubmissionId
from restapi.fakes import FULL, SENDING, World
from restapi.server import served

pytestmark = pytest.mark.real

EMAIL: resend.Emails.SendParams = {
    "from": "Acme <onboarding@example.com>",
    "to": ["delivered@example.net"],
    "subject": "Hello",
    "html": "<p>It works</p>",
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    with served(world.app()) as address:
        monkeypatch.setattr(resend, "api_url", address)
        monkeypatch.setattr(resend, "api_key", FULL)
        yield world


def test_emails(world: World) -> None:
    sent = resend.Emails.send(
        {
            **EMAIL,
            "bcc": "b@example.net",
            "reply_to": "r@example.com",
            "tags": [{"name": "a", "value": "b"}],
            "attachments": [{"filename": "a.txt", "content": list(b"hello")}],
        },
        {"idempotency_key": "key-1"},
    )
    draft = world.sending.drafts[SubmissionId(sent["id"])]
    message = message_from_bytes(bytes(draft.octets), policy=default)
    assert message["reply-to"] == "r@example.com"
    assert draft.forward_paths == ("delivered@example.net", "b@example.net")
    shown = resend.Emails.get(sent["id"])
    assert shown["subject"] == "Hello"
    assert shown["last_event"] == "queued"
    listed = resend.Emails.list({"limit": 1})
    assert [item["id"] for item in listed["data"]] == [sent["id"]]


def test_scheduling_and_canceling(world: World) -> None:
    sent = resend.Emails.send({**EMAIL, "scheduled_at": "2026-01-10T00:00:00Z"})
    assert resend.Emails.cancel(sent["id"])["id"] == sent["id"]


def test_batches(world: World) -> None:
    answer = resend.Batch.send([EMAIL, EMAIL])
    assert len(answer["data"]) == 2
    mixed = resend.Batch.send(
        [EMAIL, {**EMAIL, "to": "nobody"}], {"batch_validation": "permissive"}
    )
    assert len(mixed["data"]) == 1
    assert [error["index"] for error in mixed["errors"]] == [1]


def test_domains(world: World) -> None:
    domain = resend.Domains.create({"name": "example.com"})
    assert domain["records"]
    assert resend.Domains.get(domain["id"])["status"] == "not_started"
    assert resend.Domains.verify(domain["id"])["id"] == domain["id"]
    assert len(resend.Domains.list()["data"]) == 1
    assert resend.Domains.remove(domain["id"])["deleted"] is True


def test_api_keys(world: World) -> None:
    key = resend.ApiKeys.create({"name": "Production"})
    assert key["token"] == "re_new"
    assert len(resend.ApiKeys.list()["data"]) == 1
    resend.ApiKeys.remove(key["id"])
    assert not world.keys.known


def test_errors_are_the_sdks_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResendError, match="`to`"):
        resend.Emails.send({**EMAIL, "to": "nobody"})
    with pytest.raises(resend.exceptions.MissingRequiredFieldsError, match="Missing `html`"):
        resend.Emails.send({"from": "a@example.com", "to": "b@example.com", "subject": "s"})
    monkeypatch.setattr(resend, "api_key", SENDING)
    with pytest.raises(ResendError, match="restricted to only send"):
        resend.Domains.list()
    monkeypatch.setattr(resend, "api_key", "re_wrong")
    with pytest.raises(resend.exceptions.InvalidApiKeyError):
        resend.Emails.send(EMAIL)
