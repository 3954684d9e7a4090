"""/accounts/{address}/expunged."""

import pytest

from postroad.base.moments import to_iso
from restapi.calls import call
from restapi.fakes import LIMITED, NOW, SENDING, World

ALICE = "/accounts/alice@example.com/expunged"
BOB = "/accounts/bob@example.net/expunged"


async def test_expunged_messages_are_listed_and_restored() -> None:
    app = World().app()
    listed = (await call(app, "GET", f"{ALICE}?limit=2")).json
    assert listed["has_more"] is True
    assert listed["data"][0] == {
        "id": "1.5",
        "mailbox": "INBOX",
        "expunged_at": to_iso(NOW),
        "received_at": to_iso(NOW),
        "size": 100,
        "subject": "number 5",
    }
    done = await call(app, "POST", f"{ALICE}/restore", {"ids": ["1.5", "1.9", "1.5"]})
    assert done.json["data"] == [{"id": "1.5", "mailbox": "INBOX", "uid": 15}]
    rest = (await call(app, "GET", f"{ALICE}?mailbox=inbox")).json
    assert [one["id"] for one in rest["data"]] == ["1.4", "1.3", "1.2", "1.1"]
    assert (await call(app, "GET", f"{ALICE}?mailbox=Sent")).json["data"] == []
    again = await call(app, "POST", f"{ALICE}/restore", {"ids": ["1.5"]})
    assert again.problem[:2] == (404, "not_found")


@pytest.mark.parametrize("ids", [[], ["1"], ["1.2.3"], ["x"], ["1.\u0661"], ["1.1"] * 1001])
async def test_ids_that_are_none(ids: list[str]) -> None:
    answer = await call(World().app(), "POST", f"{ALICE}/restore", {"ids": ids})
    assert answer.status == 422


async def test_nobody_elses() -> None:
    app = World().app()
    for target in (BOB, "/accounts/nobody@example.com/expunged"):
        assert (await call(app, "GET", target)).problem[:2] == (404, "not_found")
        answer = await call(app, "POST", f"{target}/restore", {"ids": ["1.1"]})
        assert answer.problem[:2] == (404, "not_found")
    assert (await call(app, "GET", ALICE, key=SENDING)).status == 401
    assert (await call(app, "GET", ALICE, key=LIMITED)).status in (401, 403)
