"""The messages of SCRAM, by the examples of RFC 5802 section 5 and RFC 7677 section 3."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.sasl.scram import (
    encode_server_final,
    encode_server_first,
    parse_client_final,
    parse_client_first,
)

NONCE = "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"


def test_the_example_of_rfc_5802() -> None:
    first = parse_client_first(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
    assert (first.name, first.nonce) == ("user", "fyko+d2lbbFgONRv9qkxdawL")
    assert (first.header, first.bare) == (b"n,,", b"n=user,r=fyko+d2lbbFgONRv9qkxdawL")
    assert first.binding is None
    assert not first.believes_in_none
    salt = bytes.fromhex("4125c247e43ab1e93c6dff76")
    assert encode_server_first(NONCE, salt, 4096) == (
        f"r={NONCE},s=QSXCR+Q6sek8bf92,i=4096".encode()
    )
    final = parse_client_final(f"c=biws,r={NONCE},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=".encode())
    assert (final.binding_input, final.nonce, len(final.proof)) == (b"n,,", NONCE, 20)
    assert final.without_proof == f"c=biws,r={NONCE}".encode()
    assert encode_server_final(b"\0") == b"v=AA=="


def test_a_header_with_everything() -> None:
    first = parse_client_first("p=tls-unique,a=b=2Cc,n==3Dé,r=x,z=extension".encode())
    assert (first.binding, first.authorization_identity, first.name) == ("tls-unique", "b,c", "=é")
    assert first.bare == "n==3Dé,r=x,z=extension".encode()
    assert parse_client_first(b"y,,n=u,r=x").believes_in_none


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,n=,r=x",
        b"n,,n=u,r=",
        b"n,,n=u",
        b"x,,n=u,r=x",
        b"n,n=u,r=x",
        b"p=,,n=u,r=x",
        b"n,,m=must,n=u,r=x",  # a mandatory extension
        b"n,,n=a=b,r=x",  # = is written =3D
        b"n,,n=a=2cb,r=x",
        b"n,,n=\xff,r=x",
        b"n,,n=u\0,r=x",
        b"n,,n=u,r=a b",
        b"n,,n=u,r=x,",
        b"n,,n=u,r=x\n",
        b"n,,n=" + b"u" * 5000 + b",r=x",
    ],
)
def test_a_malformed_first_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_client_first(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"c=biws,r=x",
        b"c=bi,r=x,p=AA==",
        b"c=biws,p=AA==,r=x",
        b"c=biws,r=x,p=A",
        b"r=x,p=AA==",
    ],
)
def test_a_malformed_final_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_client_final(message)


@given(st.binary(max_size=300) | st.text("npy,=acr2CD3 mé", max_size=60).map(str.encode))
def test_only_wire_errors_come_out(message: bytes) -> None:
    for parse in (parse_client_first, parse_client_final):
        with contextlib.suppress(WireError):
            parse(message)
    with contextlib.suppress(WireError):
        first = parse_client_first(message)
        assert first.header + first.bare == message
