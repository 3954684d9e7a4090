"""/domains, as the Resend SDKs use it."""

from typing import Any

import pytest

from postroad.base.moments import to_iso
from restapi.calls import ABSENT, call
from restapi.fakes import LIMITED, NOW, SENDING, World


async def test_a_domain_from_beginning_to_end() -> None:
    app = World().app()
    created = await call(app, "POST", "/domains", {"name": "example.com", "region": "us-east-1"})
    assert created.status == 201
    domain_id = created.json["id"]
    assert created.json == {
        "object": "domain",
        "id": domain_id,
        "name": "example.com",
        "status": "not_started",
        "created_at": to_iso(NOW),
        "region": "us-east-1",
        "open_tracking": False,
        "click_tracking": False,
        "capabilities": {"sending": "enabled", "receiving": "enabled"},
        "records": [
            {
                "record": "DKIM",
                "name": "s1._domainkey.example.com",
                "type": "TXT",
                "ttl": "Auto",
                "status": "not_started",
                "value": "p=x",
            },
            {
                "record": "Receiving",
                "name": "example.com",
                "type": "MX",
                "ttl": "Auto",
                "status": "verified",
                "value": "mail.example.com",
                "priority": 10,
            },
        ],
    }
    assert (await call(app, "GET", f"/domains/{domain_id}", {})).json == created.json
    listed = (await call(app, "GET", "/domains", {})).json
    assert [item["id"] for item in listed["data"]] == [domain_id]
    assert "records" not in listed["data"][0]
    verified = await call(app, "POST", f"/domains/{domain_id}/verify", {})
    assert verified.json == {"object": "domain", "id": domain_id}
    assert (await call(app, "GET", f"/domains/{domain_id}")).json["status"] == "verified"
    deleted = await call(app, "DELETE", f"/domains/{domain_id}", {})
    assert deleted.json == {"object": "domain", "id": domain_id, "deleted": True}
    assert (await call(app, "GET", f"/domains/{domain_id}")).status == 404


@pytest.mark.parametrize(
    ("body", "status", "name", "message"),
    [
        ({}, 422, "missing_required_field", "Missing `name` field."),
        ({"name": "x"}, 422, "validation_error", "`name`"),
        ({"name": "a.example", "region": "eu-west-1"}, 422, "invalid_region", "us-east-1"),
        ({"name": "a.example", "open_tracking": True}, 422, "validation_error", "open_tracking"),
        ({"name": "a.example", "tls": "enforced"}, 422, "validation_error", "`tls`"),
        ({"name": "a.example", "custom_return_path": "x"}, 422, "validation_error", "custom"),
        (
            {"name": "a.example", "capabilities": {"receiving": "disabled"}},
            422,
            "validation_error",
            "`capabilities`",
        ),
    ],
)
async def test_domains_that_are_refused(
    body: dict[str, Any], status: int, name: str, message: str
) -> None:
    answer = await call(World().app(), "POST", "/domains", body)
    assert answer.problem[:2] == (status, name)
    assert message in answer.problem[2]


async def test_a_domain_is_there_once() -> None:
    app = World().app()
    await call(app, "POST", "/domains", {"name": "example.com"})
    again = await call(app, "POST", "/domains", {"name": "example.com"})
    assert again.problem[:2] == (409, "validation_error")


async def test_what_is_not_there_and_who_may_not() -> None:
    app = World().app()
    for method, target in (
        ("GET", f"/domains/{ABSENT}"),
        ("POST", f"/domains/{ABSENT}/verify"),
        ("DELETE", f"/domains/{ABSENT}"),
    ):
        assert (await call(app, method, target)).problem[:2] == (404, "not_found")
        restricted = await call(app, method, target, key=SENDING)
        assert restricted.problem[:2] == (401, "restricted_api_key")
    assert (await call(app, "GET", "/domains/x")).problem[:2] == (422, "invalid_parameter")
    limited = await call(app, "POST", "/domains", {"name": "example.com"}, key=LIMITED)
    assert limited.status == 403
