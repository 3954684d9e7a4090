"""/emails, as the Resend SDKs use it."""

import asyncio
import base64
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from starlette.types import ASGIApp

from postroad.base.moments import to_iso
from postroad.http.contract.api import ApiLimits
from postroad.model.ids import SubmissionId
from restapi.asgi import ask
from restapi.calls import ABSENT, call
from restapi.fakes import FULL, LIMITED, NOW, SENDING, World

EMAIL: dict[str, Any] = {
    "from": "Acme <onboarding@example.com>",
    "to": ["delivered@example.net"],
    "subject": "Hello",
    "html": "<p>It works</p>",
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def app(world: World) -> ASGIApp:
    return world.app()


async def test_an_email_is_accepted_and_shown(world: World, app: ASGIApp) -> None:
    wanted = {
        **EMAIL,
        "cc": "c@example.net",
        "bcc": ["b@example.net"],
        "reply_to": "r@example.com",
        "tags": [{"name": "kind", "value": "welcome"}],
        "headers": {"X-Entity-Ref-ID": "1"},
    }
    sent = await call(app, "POST", "/emails", wanted, key=SENDING)
    assert sent.status == 200
    (submission, draft) = next(iter(world.sending.drafts.items()))
    assert sent.json == {"id": submission}
    assert draft.forward_paths == ("delivered@example.net", "c@example.net", "b@example.net")
    assert draft.reverse_path == draft.author == "onboarding@example.com"
    message = message_from_bytes(bytes(draft.octets), policy=default)
    assert message["bcc"] is None
    assert b"b@example.net" not in draft.octets
    assert message["x-entity-ref-id"] == "1"
    shown = await call(app, "GET", f"/emails/{submission}")
    assert shown.json == {
        "object": "email",
        "id": submission,
        "to": ["delivered@example.net"],
        "from": "Acme <onboarding@example.com>",
        "created_at": to_iso(NOW),
        "subject": "Hello",
        "bcc": ["b@example.net"],
        "cc": ["c@example.net"],
        "reply_to": ["r@example.com"],
        "last_event": "queued",
        "message_id": f"<{submission}@example.com>",
        "scheduled_at": None,
        "html": "<p>It works</p>",
        "text": None,
        "tags": [{"name": "kind", "value": "welcome"}],
        "recipients": [
            {"address": address, "state": "queued", "attempts": 0, "last_reply": ""}
            for address in draft.forward_paths
        ],
    }


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"from": None}, 422, "validation_error", "`from`"),
    ({"from": "nobody"}, 422, "validation_error", "Invalid `from` field"),
    ({"from": "a@other.example"}, 403, "validation_error", "other.example domain is not verified"),
    ({"to": []}, 422, "missing_required_field", "Missing `to` field."),
    ({"to": "a@x.example, b@x.example"}, 422, "validation_error", "Invalid `to` field"),
    ({"to": ["a@x.example"] * 51}, 422, "validation_error", "at most 50"),
    ({"to": [1]}, 422, "validation_error", "The `to[0]` field: expected `str`, got `int`."),
    ({"cc": "x"}, 422, "validation_error", "`cc`"),
    ({"html": None}, 422, "missing_required_field", "Missing `html` or `text` field."),
    ({"subject": "a\r\nBcc: x@example.com"}, 422, "validation_error", "`subject`"),
    ({"headers": {"X": 1}}, 422, "validation_error", "`headers[...]`"),
    ({"headers": {"From": "x"}}, 422, "validation_error", "use the `from` field"),
    ({"tags": [{"name": "a b", "value": "c"}]}, 422, "validation_error", "`tags`"),
    ({"scheduled_at": "tomorrow at 9am"}, 422, "validation_error", "ISO 8601"),
    ({"scheduled_at": "2030-01-01T00:00:00Z"}, 422, "validation_error", "30 days"),
    ({"template": {"id": "x"}}, 422, "validation_error", "`template` is not available"),
    ({"topic_id": "x"}, 422, "validation_error", "`topic_id` is not available"),
    (
        {"attachments": [{"filename": "a", "path": "https://x.example/a"}]},
        422,
        "invalid_attachment",
        "`attachments[0].path` is not available",
    ),
    (
        {"attachments": [{"filename": "a", "content": "*"}]},
        422,
        "invalid_attachment",
        "`attachments[0].content` is not valid base64.",
    ),
    ({"attachments": [{"filename": "a"}]}, 422, "invalid_attachment", "attachments[0].content"),
    ({"attachments": [{"content": ""}]}, 422, "invalid_attachment", "attachments[0].filename"),
    (
        {"attachments": [{"filename": "a", "content": [256]}]},
        422,
        "validation_error",
        "`attachments[0].content[0]` field",
    ),
]


@pytest.mark.parametrize(("changes", "status", "name", "message"), REFUSED)
async def test_what_is_refused_names_the_field(
    world: World, app: ASGIApp, changes: dict[str, Any], status: int, name: str, message: str
) -> None:
    answer = await call(app, "POST", "/emails", {**EMAIL, **changes})
    assert answer.problem[:2] == (status, name)
    assert message in answer.problem[2]
    assert not world.sending.drafts


@pytest.mark.parametrize("field", ["from", "to", "subject"])
async def test_required_fields_are_named(app: ASGIApp, field: str) -> None:
    wanted = {name: value for name, value in EMAIL.items() if name != field}
    answer = await call(app, "POST", "/emails", wanted)
    assert answer.problem == (422, "missing_required_field", f"Missing `{field}` field.")


async def test_what_is_no_json_is_a_bad_request(app: ASGIApp) -> None:
    headers = {"authorization": f"Bearer {FULL}"}
    for octets in (b"{", b"\xff", b'{"x":' * 100_000):
        answer = await ask(app, "POST", "/emails", headers=headers, chunks=[octets])
        assert answer.problem[:2] == (400, "validation_error")
    answer = await ask(app, "POST", "/emails", headers=headers, chunks=[b"[]"])
    assert answer.problem[:2] == (422, "validation_error")


@pytest.mark.parametrize(
    "content",
    [
        base64.b64encode(b"\x00\xffabc").decode(),
        "AP9h\r\nYmM=",
        list(b"\x00\xffabc"),
        {"type": "Buffer", "data": list(b"\x00\xffabc")},
    ],
)
async def test_attachments_in_every_form(world: World, app: ASGIApp, content: object) -> None:
    file = {"filename": "a.bin", "content": content, "content_type": "application/x-a"}
    assert (await call(app, "POST", "/emails", {**EMAIL, "attachments": [file]})).status == 200
    (draft,) = world.sending.drafts.values()
    message = message_from_bytes(bytes(draft.octets), policy=default)
    (part,) = message.iter_attachments()
    assert part.get_filename() == "a.bin"
    assert part.get_content_type() == "application/x-a"
    assert part.get_payload(decode=True) == b"\x00\xffabc"


async def test_an_inline_image_by_either_name(world: World, app: ASGIApp) -> None:
    for name in ("content_id", "inline_content_id"):
        file = {"filename": "a.png", "content": "AA==", name: "logo"}
        await call(app, "POST", "/emails", {**EMAIL, "attachments": [file]})
    assert [b"Content-ID: <logo>" in draft.octets for draft in world.sending.drafts.values()] == [
        True,
        True,
    ]


async def test_large_requests_are_worked_on_in_a_thread(world: World, app: ASGIApp) -> None:
    await call(app, "POST", "/emails", EMAIL)
    assert world.tasks.offloaded == 0
    file = {"filename": "a", "content": "AAAA" * 200_000}
    await call(app, "POST", "/emails", {**EMAIL, "attachments": [file]})
    assert world.tasks.offloaded == 2


async def test_attachments_have_a_limit(monkeypatch: pytest.MonkeyPatch, app: ASGIApp) -> None:
    monkeypatch.setattr("postroad.http.rest.attachments.MAX_OCTETS", 3)
    files = [{"filename": "a", "content": "AAA="}] * 2
    answer = await call(app, "POST", "/emails", {**EMAIL, "attachments": files})
    assert answer.problem[:2] == (422, "invalid_attachment")


async def test_an_email_can_be_scheduled_and_canceled(world: World, app: ASGIApp) -> None:
    wanted = {**EMAIL, "scheduled_at": "2026-01-10T00:00:00+02:00"}
    sent = (await call(app, "POST", "/emails", wanted)).json["id"]
    draft = world.sending.drafts[SubmissionId(sent)]
    assert draft.send_at is not None
    assert draft.send_at > NOW
    shown = (await call(app, "GET", f"/emails/{sent}")).json
    assert shown["scheduled_at"] == "2026-01-09T22:00:00.000000Z"
    canceled = await call(app, "POST", f"/emails/{sent}/cancel", {})
    assert canceled.json == {"object": "email", "id": sent}
    assert (await call(app, "GET", f"/emails/{sent}")).json["last_event"] == "canceled"
    again = await call(app, "POST", f"/emails/{sent}/cancel")
    assert again.problem[:2] == (422, "validation_error")


async def test_a_moment_gone_by_means_now(world: World, app: ASGIApp) -> None:
    await call(app, "POST", "/emails", {**EMAIL, "scheduled_at": "2020-01-01T00:00:00"})
    (draft,) = world.sending.drafts.values()
    assert draft.send_at == NOW


async def test_the_list_has_pages(app: ASGIApp) -> None:
    ids = [(await call(app, "POST", "/emails", EMAIL)).json["id"] for _ in range(5)]
    newest = ids[::-1]

    async def page(query: str) -> tuple[list[str], bool]:
        answer = (await call(app, "GET", f"/emails{query}", {})).json
        assert answer["object"] == "list"
        assert all("html" not in item for item in answer["data"])
        return [item["id"] for item in answer["data"]], answer["has_more"]

    assert await page("") == (newest, False)
    assert await page("?limit=2") == (newest[:2], True)
    assert await page(f"?limit=2&after={newest[1]}") == (newest[2:4], True)
    assert await page(f"?limit=2&after={newest[2]}") == (newest[3:], False)
    assert await page(f"?limit=2&before={newest[3]}") == (newest[1:3], True)
    assert await page(f"?limit=5&before={newest[1]}") == (newest[:1], False)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?limit=0", "validation_error"),
        ("?limit=101", "validation_error"),
        ("?limit=x", "validation_error"),
        (f"?after={ABSENT}&before={ABSENT}", "validation_error"),
        ("?after=x", "invalid_parameter"),
    ],
)
async def test_queries_that_are_not_valid(app: ASGIApp, query: str, name: str) -> None:
    assert (await call(app, "GET", f"/emails{query}")).problem[:2] == (422, name)


async def test_the_story_of_an_email(app: ASGIApp) -> None:
    sent = (await call(app, "POST", "/emails", EMAIL)).json["id"]
    events = (await call(app, "GET", f"/emails/{sent}/events")).json
    assert events["data"] == [
        {"type": "queued", "created_at": to_iso(NOW), "recipient": None, "details": {"octets": 1}}
    ]


async def test_an_id_that_is_not_there(app: ASGIApp) -> None:
    for target in (f"/emails/{ABSENT}", f"/emails/{ABSENT}/events"):
        assert (await call(app, "GET", target)).problem == (404, "not_found", "Email not found")
    assert (await call(app, "GET", "/emails/x")).problem == (
        422,
        "invalid_parameter",
        "The `email_id` must be a valid UUID.",
    )


async def test_a_batch_is_all_or_nothing_unless_permissive(world: World, app: ASGIApp) -> None:
    file = {"filename": "a", "content": "AA=="}
    good = [EMAIL, {**EMAIL, "attachments": [file]}]
    answer = await call(app, "POST", "/emails/batch", good, key=SENDING)
    assert list(answer.json) == ["data"]
    assert [item["id"] for item in answer.json["data"]] == list(world.sending.drafts)
    bad = [EMAIL, {"to": "x"}, {**EMAIL, "to": "x"}, {**EMAIL, "subject": 1}, EMAIL]
    for mode in ({}, {"x_batch_validation": "strict"}):
        refused = await call(app, "POST", "/emails/batch", bad, **mode)
        assert refused.problem == (422, "missing_required_field", "Email 1: Missing `from` field.")
    assert len(world.sending.drafts) == 2
    permitted = (
        await call(app, "POST", "/emails/batch", bad, x_batch_validation="permissive")
    ).json
    assert len(permitted["data"]) == 2
    assert [error["index"] for error in permitted["errors"]] == [1, 2, 3]
    assert "`subject`" in permitted["errors"][2]["message"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ([], {}),
        ([EMAIL] * 101, {}),
        ([EMAIL], {"x_batch_validation": "maybe"}),
        ({}, {}),
    ],
)
async def test_batches_that_are_none(app: ASGIApp, body: object, headers: dict[str, str]) -> None:
    answer = await call(app, "POST", "/emails/batch", body, **headers)
    assert answer.problem[:2] == (422, "validation_error")


async def test_a_batch_where_none_is_valid_sends_nothing(world: World, app: ASGIApp) -> None:
    answer = await call(app, "POST", "/emails/batch", [{}], x_batch_validation="permissive")
    assert answer.json == {
        "data": [],
        "errors": [{"index": 0, "message": "Missing `from` field."}],
    }
    assert not world.sending.drafts


async def test_the_same_key_sends_once(world: World, app: ASGIApp) -> None:
    first = await call(app, "POST", "/emails", EMAIL, idempotency_key="k1")
    again = await call(app, "POST", "/emails", dict(reversed(EMAIL.items())), idempotency_key="k1")
    assert first.json == again.json
    assert len(world.sending.drafts) == 1
    other = await call(app, "POST", "/emails", {**EMAIL, "subject": "x"}, idempotency_key="k1")
    assert other.problem[:2] == (409, "invalid_idempotent_request")
    batch = await call(app, "POST", "/emails/batch", [EMAIL], idempotency_key="k1")
    assert batch.problem[:2] == (409, "invalid_idempotent_request")


@pytest.mark.parametrize("key", ["", "x" * 257, "\u00e9", " "])
async def test_keys_that_are_none(app: ASGIApp, key: str) -> None:
    answer = await call(app, "POST", "/emails", EMAIL, idempotency_key=key)
    assert answer.problem[:2] == (400, "invalid_idempotency_key")


async def test_a_key_in_flight_is_refused(world: World, app: ASGIApp) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.sending.gate = wait
    async with asyncio.TaskGroup() as group:
        first = group.create_task(call(app, "POST", "/emails", EMAIL, idempotency_key="k"))
        await asyncio.sleep(0)
        second = await call(app, "POST", "/emails", EMAIL, idempotency_key="k")
        gate.set()
    assert first.result().status == 200
    assert second.problem[:2] == (409, "concurrent_idempotent_requests")
    world.sending.gate = None
    assert (await call(app, "POST", "/emails", EMAIL, idempotency_key="k")).status == 200


async def test_keys_decide_who_may_do_what(app: ASGIApp) -> None:
    missing = await ask(app, "POST", "/emails", EMAIL)
    assert missing.problem[:2] == (401, "missing_api_key")
    basic = await ask(app, "GET", "/emails", headers={"authorization": "Basic eDp5"})
    assert basic.problem[:2] == (401, "missing_api_key")
    wrong = await call(app, "POST", "/emails", EMAIL, key="re_wrong")
    assert wrong.problem == (403, "invalid_api_key", "API key is invalid")
    restricted = await call(app, "GET", "/emails", key=SENDING)
    assert restricted.problem[:2] == (401, "restricted_api_key")
    assert (await call(app, "POST", "/emails", EMAIL, key=LIMITED)).status == 200


async def test_doubled_slashes_and_unused_bodies_are_tolerated(app: ASGIApp) -> None:
    sent = (await call(app, "POST", "//emails", EMAIL)).json["id"]
    assert (await call(app, "GET", f"//emails//{sent}", {})).json["id"] == sent
    assert (await call(app, "GET", "/emails/", {})).status == 200


async def test_unknown_paths_and_methods_answer_in_json(app: ASGIApp) -> None:
    assert (await call(app, "GET", "/nothing")).problem[:2] == (404, "not_found")
    assert (await call(app, "GET", "/emails/a/b/c")).problem[:2] == (404, "not_found")
    answer = await call(app, "PUT", "/emails", EMAIL)
    assert answer.problem[:2] == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


async def test_large_bodies_are_refused_before_they_are_read(world: World) -> None:
    world.limits = ApiLimits(max_body_octets=1000, max_bodies_octets=5000)
    app = world.app()
    headers = {"authorization": f"Bearer {FULL}"}
    announced = await ask(
        app, "POST", "/emails", headers={**headers, "content-length": "1001"}, chunks=[]
    )
    assert announced.problem[0] == 413
    chunked = await ask(app, "POST", "/emails", headers=headers, chunks=[b"x" * 600] * 3)
    assert chunked.problem[0] == 413
    assert chunked.headers["connection"] == "close"


async def test_all_bodies_together_have_a_limit(world: World) -> None:
    world.limits = ApiLimits(max_bodies_octets=100_000)
    app = world.app()
    large = {**EMAIL, "text": "x" * 120_000}
    answer = await call(app, "POST", "/emails", large)
    assert answer.problem[:2] == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"
    fits = {**EMAIL, "text": "x" * 80_000}
    for _ in range(3):
        assert (await call(app, "POST", "/emails", fits)).status == 200
