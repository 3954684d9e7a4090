"""What the API says about itself is what it does."""

from pathlib import Path

import pytest

from postroad.http import rest
from postroad.http.contract.endpoint import Access, AnyEndpoint
from postroad.http.rest import ENDPOINTS, application
from postroad.http.rest.services import RestServices
from restapi.asgi import ask
from restapi.fakes import FULL, FakeIdentities, World


async def test_the_description_lists_every_endpoint() -> None:
    document = (await ask(World().app(), "GET", "/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    send = document["paths"]["/emails"]["post"]
    schema = send["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/SendEmail"}
    email = document["components"]["schemas"]["SendEmail"]
    assert email["required"] == ["from", "to", "subject"]
    assert {"in": "query", "name": "limit"}.items() <= document["paths"]["/emails"]["get"][
        "parameters"
    ][0].items()


def test_every_reference_of_the_description_is_there() -> None:
    text = str(application.description())
    names = application.description()["components"]["schemas"]
    for piece in text.split("#/components/schemas/")[1:]:
        assert piece.partition("'")[0] in names


def test_the_list_holds_every_file_with_endpoints() -> None:
    folder = Path(rest.__file__).parent
    files = [path for path in folder.glob("*.py") if "\nENDPOINTS = (" in path.read_text()]
    assert len(files) == 5
    operations = [endpoint.operation for endpoint in ENDPOINTS]
    assert len(set(operations)) == len(operations)


async def test_the_page_needs_nothing_from_outside() -> None:
    answer = await ask(World().app(), "GET", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    text = answer.octets.decode()
    assert "/emails/{email_id}/events" in text
    assert "<script" not in text
    assert "src=" not in text
    assert "http://" not in text


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
async def test_nobody_comes_in_without_a_key(endpoint: AnyEndpoint[RestServices]) -> None:
    answer = await ask(
        World().app(), endpoint.method, endpoint.path.replace("{", "").replace("}", "")
    )
    if endpoint.access is Access.PUBLIC:
        assert answer.status in (200, 404)
    else:
        assert answer.problem[:2] == (401, "missing_api_key")


async def test_a_mistake_of_ours_says_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(FakeIdentities, "domain_of_program", broken)
    body = {"from": "a@example.com", "to": "b@example.com", "subject": "s", "text": "t"}
    answer = await ask(
        World().app(),
        "POST",
        "/emails",
        body,
        headers={"authorization": f"Bearer {FULL}"},
        fails_with=ZeroDivisionError,
    )
    assert answer.problem == (500, "internal_server_error", "Internal error.")
