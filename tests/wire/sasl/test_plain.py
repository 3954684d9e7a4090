"""The messages of PLAIN and LOGIN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax, LimitExceeded
from postroad.wire.sasl.plain import (
    PlainCredentials,
    encode_plain,
    encode_response,
    parse_login,
    parse_plain,
)
from postroad.wire.sasl.responses import MAX_RESPONSE, decode_response, encode_challenge


def test_the_example_of_rfc_4616() -> None:
    credentials = parse_plain(b"\0tim\0tanstaaftanstaaf")
    assert credentials == PlainCredentials("tim", Secret("tanstaaftanstaaf"))
    assert parse_plain(b"Ursel\0Kurt\0xipj3plmq").authorization_identity == "Ursel"


@pytest.mark.parametrize(
    "message",
    [b"", b"a", b"\0a", b"\0\0b", b"\0a\0", b"\0a\0b\0c", b"\0\xff\0b", b"\0a\0" + b"b" * 1025],
)
def test_a_malformed_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_plain(message)


@pytest.mark.parametrize("line", [b"a", b"AA=A", b"A A=", b"====", "é".encode()])
def test_what_is_not_base64_is_refused(line: bytes) -> None:
    with pytest.raises(BadSyntax):
        decode_response(line)


def test_a_response_is_bounded() -> None:
    assert len(decode_response(b"A" * MAX_RESPONSE)) == MAX_RESPONSE * 3 // 4
    with pytest.raises(LimitExceeded):
        decode_response(b"A" * (MAX_RESPONSE + 4))


@given(st.binary(min_size=1))
def test_a_challenge_can_be_read(octets: bytes) -> None:
    assert decode_response(encode_challenge(octets)) == octets


def test_an_equals_sign_is_an_empty_response() -> None:
    assert decode_response(b"=") == b""


NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=60)


@given(NAMES, NAMES)
def test_credentials_go_there_and_back(name: str, password: str) -> None:
    credentials = PlainCredentials(name, Secret(password))
    assert parse_plain(decode_response(encode_plain(credentials))) == credentials
    answers = [decode_response(encode_response(text)) for text in (name, password)]
    assert parse_login(*answers) == credentials
