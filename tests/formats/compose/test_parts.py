"""RFC 2045 section 6: parts that every server can carry."""

import base64
import quopri
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.compose.parts import (
    Multipart,
    base64_lines,
    encode,
    message_part,
    octets_part,
    quoted_printable,
    text_part,
)

CR_LF_TEXT = st.lists(st.text(max_size=120), max_size=8)


@given(st.text(max_size=400))
def test_texts_are_read_back(text: str) -> None:
    fields, chunks = encode(text_part(text, "plain"))
    octets = fields + b"\r\n" + b"".join(chunks)
    assert octets.isascii()
    assert b"\x00" not in octets
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert b"\n" not in octets.replace(b"\r\n", b"")
    read = message_from_bytes(octets, policy=default).get_payload(decode=True)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    if expected and not expected.endswith("\r\n"):
        expected += "\r\n"
    assert isinstance(read, bytes)
    assert read.decode("utf-8") == expected


@given(CR_LF_TEXT)
def test_quoted_printable_lines_are_short(lines: list[str]) -> None:
    octets = "\r\n".join(" ".join(line.splitlines()) for line in lines).encode("utf-8")
    encoded = quoted_printable(octets)
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert quopri.decodestring(encoded) == octets


def test_base64_is_the_same_in_one_piece() -> None:
    octets = bytes(range(256)) * 2000
    encoded = b"".join(base64_lines(octets))
    assert encoded.replace(b"\r\n", b"") == base64.b64encode(octets)
    assert {len(line) for line in encoded.split(b"\r\n")[:-2]} == {76}
    assert list(base64_lines(b"")) == []


def test_a_message_goes_unencoded_or_not_at_all() -> None:
    kind = b"Content-Type: message/rfc822\r\n"
    part = message_part(kind, b"", b"Subject: x\r\n\r\nhello\r\n")
    assert part is not None
    assert b"7bit" in part.fields
    for octets in (b"\xff", b"a\nb", b"x" * 999):
        assert message_part(kind, b"", octets) is None


def test_parts_nest() -> None:
    inner = Multipart("alternative", [text_part("a", "plain"), text_part("<b>", "html")])
    file = octets_part(b"Content-Type: image/png\r\n", b"", b"\x89PNG")
    fields, chunks = encode(Multipart("mixed", [inner, file]))
    message = message_from_bytes(fields + b"\r\n" + b"".join(chunks), policy=default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]
