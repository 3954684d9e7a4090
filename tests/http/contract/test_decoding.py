"""Errors that name the field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.http.contract.decoding import decode_json, decode_query
from postroad.http.contract.problems import RequestError


class Inner(msgspec.Struct):
    name: str


class Outer(msgspec.Struct):
    items: list[Inner]
    count: int = 0


@pytest.mark.parametrize(
    ("octets", "status", "message"),
    [
        (b"{}", 422, "Missing `items` field."),
        (b"", 422, "Missing `items` field."),
        (b'{"items": [{}]}', 422, "Missing `items[0].name` field."),
        (b'{"items": [], "count": "x"}', 422, "The `count` field: expected `int`, got `str`."),
        (b"[]", 422, "The request is not valid: Expected `object`, got `array`."),
        (b"{", 400, "The request body is not valid JSON: Input data was truncated."),
    ],
)
def test_messages(octets: bytes, status: int, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_json(octets, Outer)
    assert (caught.value.problem.status, caught.value.problem.message) == (status, message)


def test_queries_are_text() -> None:
    assert decode_query({"name": "x"}, Inner) == Inner("x")
    with pytest.raises(RequestError, match="Missing `name` field"):
        decode_query({}, Inner)


@given(st.binary(max_size=60))
def test_whatever_octets_come_only_request_errors_are_raised(octets: bytes) -> None:
    try:
        decode_json(octets, Outer)
    except RequestError:
        return
