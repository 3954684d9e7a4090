"""/api-keys, as the Resend SDKs use it."""

from typing import Any

import pytest

from postroad.base.moments import to_iso
from restapi.calls import ABSENT, call
from restapi.fakes import LIMITED, NOW, SENDING, World


async def test_a_key_from_beginning_to_end() -> None:
    app = World().app()
    wanted = {"name": "Production", "permission": "sending_access", "domain_id": ABSENT}
    created = await call(app, "POST", "/api-keys", wanted)
    assert created.status == 201
    key_id = created.json["id"]
    assert created.json == {"id": key_id, "token": "re_new"}
    listed = (await call(app, "GET", "/api-keys", {})).json
    assert listed == {
        "object": "list",
        "has_more": False,
        "data": [
            {
                "id": key_id,
                "name": "Production",
                "permission": "sending_access",
                "domain_id": ABSENT,
                "created_at": to_iso(NOW),
                "last_used_at": None,
            }
        ],
    }
    deleted = await call(app, "DELETE", f"/api-keys/{key_id}", {})
    assert deleted.json == {"object": "api_key", "id": key_id, "deleted": True}
    again = await call(app, "DELETE", f"/api-keys/{key_id}", {})
    assert again.problem[:2] == (404, "not_found")


async def test_the_list_has_pages() -> None:
    app = World().app()
    ids = [
        (await call(app, "POST", "/api-keys", {"name": f"k{number}"})).json["id"]
        for number in range(4)
    ][::-1]

    async def page(query: str) -> tuple[list[str], bool]:
        answer = (await call(app, "GET", f"/api-keys?{query}")).json
        return [item["id"] for item in answer["data"]], answer["has_more"]

    assert await page("limit=3") == (ids[:3], True)
    assert await page(f"limit=2&after={ids[0]}") == (ids[1:3], True)
    assert await page(f"limit=2&before={ids[3]}") == (ids[1:3], True)
    unknown = await call(app, "GET", f"/api-keys?after={ABSENT}")
    assert unknown.problem[:2] == (422, "validation_error")


@pytest.mark.parametrize(
    ("body", "name", "message"),
    [
        ({}, "missing_required_field", "Missing `name` field."),
        ({"name": ""}, "validation_error", "`name`"),
        ({"name": "x" * 51}, "validation_error", "1 to 50"),
        ({"name": "x", "permission": "root"}, "validation_error", "`permission`"),
        ({"name": "x", "domain_id": ABSENT}, "validation_error", "`domain_id`"),
        (
            {"name": "x", "permission": "sending_access", "domain_id": "y"},
            "invalid_parameter",
            "`domain_id`",
        ),
    ],
)
async def test_keys_that_are_refused(body: dict[str, Any], name: str, message: str) -> None:
    answer = await call(World().app(), "POST", "/api-keys", body)
    assert answer.problem[:2] == (422, name)
    assert message in answer.problem[2]


async def test_a_restricted_key_cannot_make_itself_a_wider_one() -> None:
    app = World().app()
    answer = await call(app, "POST", "/api-keys", {"name": "x"}, key=SENDING)
    assert answer.problem[:2] == (401, "restricted_api_key")
    assert (await call(app, "POST", "/api-keys", {"name": "x"}, key=LIMITED)).status == 403
