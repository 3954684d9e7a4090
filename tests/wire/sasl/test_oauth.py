"""The messages of OAUTHBEARER and XOAUTH2, by the examples of RFC 7628 section 4 and Google's."""

import contextlib
import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.sasl.oauth import (
    BearerRequest,
    encode_failure,
    parse_oauthbearer,
    parse_xoauth2,
)

TOKEN = Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")


@pytest.mark.parametrize(
    ("message", "name", "token"),
    [
        (
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVh"
            "cmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
            "user@example.com",
            Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
        ),
        (
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=",
            "user@example.com",
            None,
        ),
        (
            "bix1c2VyPXNvbWV1c2VyQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJlciB2RjlkZnQ0cW1UYzJOdmIzUmxja0Jo"
            "ZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ==",
            "someuser@example.com",
            Secret("vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg=="),
        ),
    ],
)
def test_the_examples_of_rfc_7628(message: str, name: str, token: Secret | None) -> None:
    parsed = parse_oauthbearer(b64decode(message))
    assert parsed.name == name
    if token is None:
        assert parsed.token is None
    else:
        assert parsed.token is not None


def test_the_first_example_to_the_octet() -> None:
    message = (
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )
    assert parse_oauthbearer(message) == BearerRequest("user@example.com", TOKEN)
    assert parse_oauthbearer(b"n,,\x01auth=bearer abc\x01\x01") == BearerRequest("", Secret("abc"))
    assert parse_oauthbearer(b"y,a=a=2Cb,\x01x=y=z\x01auth=Bearer abc\x01\x01").name == "a,b"


def test_the_failure_of_rfc_7628() -> None:
    failure = encode_failure(
        "invalid_token", "example_scope", "https://example.com/.well-known/openid-configuration"
    )
    assert failure == b64decode(
        "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3Vy"
        "YXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
    )
    assert json.loads(encode_failure("401", "", "", "bearer")) == {
        "status": "401",
        "schemes": "bearer",
    }


def test_the_example_of_xoauth2() -> None:
    """As Google documents it."""
    message = (
        b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
        b"\x01\x01"
    )
    assert parse_xoauth2(message) == BearerRequest(
        "someuser@example.com", Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    )


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"n,,\x01\x01",
        b"n,,auth=Bearer a\x01\x01",
        b"n,,\x01auth=Bearer a\x01",
        b"n,,\x01auth=Bearer a\x01\x01\n",
        b"p=tls-unique,,\x01auth=Bearer a\x01\x01",
        b"n,a=,\x01auth=Bearer a\x01\x01",
        b"n,a=\xff,\x01auth=Bearer a\x01\x01",
        b"n,a=" + b"a" * 300 + b",\x01auth=Bearer a\x01\x01",
        b"n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
        b"n,,\x01au th=x\x01\x01",
    ],
)
def test_a_malformed_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_oauthbearer(message)
    with pytest.raises(BadSyntax):
        parse_xoauth2(message)


@given(st.binary(max_size=300) | st.text("n,a=\x01uthBer ", max_size=60).map(str.encode))
def test_only_wire_errors_come_out(message: bytes) -> None:
    for parse in (parse_oauthbearer, parse_xoauth2):
        with contextlib.suppress(WireError):
            parse(message)
        with contextlib.suppress(WireError):
            parse(b"n,a=" + message + b",\x01auth=Bearer " + message + b"\x01\x01")
