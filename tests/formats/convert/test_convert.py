"""RFC 6152 section 3: messages that go to servers that lack something."""

import mmap
import tempfile
from email import message_from_bytes, policy
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.convert.convert import CannotConvert, Converted, convert
from postroad.formats.convert.examine import examine
from postroad.formats.mime.octets import Octets
from postroad.model.queue import Needs

LACKS = Needs(eight_bit=True, utf8=True, binary=True)
TEXT = "caf\u00e9, a text with few other letters\r\n".encode()
HEAD = b"From: a@example.com\r\nMIME-Version: 1.0\r\n"


def converted(octets: Octets) -> bytes:
    result = convert(octets, LACKS)
    assert isinstance(result, Converted), result
    new = b"".join(result.chunks())
    assert b"".join(result.chunks()) == new
    assert examine(new, 0, len(new)) == Needs()
    return new


def leaves(octets: bytes) -> list[tuple[str, bytes]]:
    message = message_from_bytes(octets, policy=policy.compat32)
    return [
        (part.get_content_type(), payload(part))
        for part in message.walk()
        if not part.is_multipart()
    ]


def payload(part: Message) -> bytes:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets


def multipart(*parts: bytes, subtype: bytes = b"mixed", boundary: bytes = b"b1") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    kind = b"Content-Type: multipart/" + subtype + b"; boundary=" + boundary
    return kind + b"\r\n\r\n" + body + b"--" + boundary + b"--\r\n"


TEXT_PART = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
IMAGE_PART = b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"


def test_a_simple_text_becomes_quoted_printable() -> None:
    new = converted(HEAD + TEXT_PART + TEXT)
    assert leaves(new) == [("text/plain", TEXT)]
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in new
    assert b"8bit" not in new


def test_a_mapped_message_is_read_in_place() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(HEAD + TEXT_PART + TEXT * 20_000)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            assert leaves(converted(octets)) == [("text/plain", TEXT * 20_000)]


def test_what_fits_is_not_touched() -> None:
    octets = HEAD + b"\r\nhello\r\n"
    assert convert(octets, LACKS) == Converted(octets, ())
    eight_bit = HEAD + TEXT_PART + TEXT
    assert convert(eight_bit, Needs(binary=True)) == Converted(eight_bit, ())


def test_only_the_parts_that_need_it_change() -> None:
    plain = b"Content-Type: text/plain\r\n\r\nplain\r\n"
    png = bytes(range(256)) * 3
    inner = multipart(TEXT_PART + TEXT, plain, subtype=b"alternative", boundary=b"b2")
    new = converted(HEAD + multipart(inner, IMAGE_PART + png, plain))
    assert leaves(new) == [
        ("text/plain", TEXT),
        ("text/plain", b"plain\r\n"),
        ("image/png", png),
        ("text/plain", b"plain\r\n"),
    ]
    assert new.count(plain) == 2
    assert new.count(b"base64") == 1


def test_a_container_says_7bit_afterwards() -> None:
    octets = HEAD + b"Content-Transfer-Encoding: 8bit\r\n" + multipart(TEXT_PART + TEXT)
    new = converted(octets)
    assert b"Content-Transfer-Encoding: 7bit\r\n" in new
    assert leaves(new) == [("text/plain", TEXT)]


def test_a_message_within_is_converted_inside() -> None:
    inner = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    new = converted(HEAD + multipart(inner + HEAD + TEXT_PART + TEXT))
    assert leaves(new) == [("text/plain", TEXT)]
    assert b"message/rfc822\r\nContent-Transfer-Encoding: 7bit" in new


def test_long_lines_go_even_if_nothing_lacks() -> None:
    octets = HEAD + b"Content-Type: text/html\r\n\r\n" + b"<p>" * 1000 + b"\r\n"
    result = convert(octets, Needs())
    assert isinstance(result, Converted)
    assert leaves(b"".join(result.chunks())) == [("text/html", b"<p>" * 1000 + b"\r\n")]


def test_a_long_header_line_is_folded() -> None:
    references = b" ".join(b"<%d@example.com>" % number for number in range(100))
    new = converted(b"References: " + references + b"\r\n" + HEAD + b"\r\nx\r\n")
    again = message_from_bytes(new)["references"]
    assert again.replace("\r\n", "").encode() == references
    refused = convert(b"X: " + b"x" * 2000 + b"\r\n\r\nx", LACKS)
    assert refused == CannotConvert("a header line over 998 octets")


def test_mail_without_mime_gets_its_fields() -> None:
    new = converted(b"From: a@example.com\r\n\r\n" + TEXT)
    message = message_from_bytes(new)
    assert message["mime-version"] == "1.0"
    assert message.get_content_charset() == "utf-8"
    assert payload(message) == TEXT
    latin = message_from_bytes(converted(b"From: a@example.com\r\n\r\ncaf\xe9 au lait, s'il\r\n"))
    assert latin.get_content_charset() == "unknown-8bit"


def test_broken_encodings_are_made_anew() -> None:
    head = (
        HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    new = converted(head + b"caf\xc3\xa9 and =C3=A9 and more words\r\n")
    assert leaves(new) == [("text/plain", "caf\u00e9 and \u00e9 and more words\r\n".encode())]
    head = HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert leaves(converted(head + b"QUJD" * 1000)) == [("image/png", b"ABC" * 1000)]


def test_a_preamble_that_is_in_the_way_is_left_out() -> None:
    octets = HEAD + multipart(TEXT_PART + TEXT).replace(
        b"\r\n\r\n--b1", b"\r\n\r\npr\xe9\r\n--b1", 1
    )
    assert leaves(converted(octets + b"\xe9pilogue\r\n")) == [("text/plain", TEXT)]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (HEAD + multipart(TEXT_PART + TEXT, subtype=b"signed"), "multipart/signed"),
        (HEAD + multipart(TEXT_PART + TEXT, subtype=b"encrypted"), "multipart/encrypted"),
        (HEAD + b"Subject: \xc3\xa9\r\n\r\nx\r\n", "SMTPUTF8"),
        (HEAD + b"Content-Type: message/partial\r\n\r\n" + TEXT, "message/partial"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\n" + TEXT, "multipart/mixed without parts"),
        (
            HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + TEXT,
            "unknown transfer encoding x-uuencode",
        ),
        (HEAD + b"X: a\x00b\r\n\r\nx", "octets in a header"),
        (
            HEAD + multipart(TEXT_PART + TEXT).replace(b"--b1\r\n", b"--b1\r\r\n", 1),
            "octets between the parts",
        ),
    ],
)
def test_what_cannot_be_converted(octets: bytes, reason: str) -> None:
    assert convert(octets, LACKS) == CannotConvert(reason)


TOKENS = [
    b"Content-Type: multipart/mixed; boundary=b1\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Transfer-Encoding: 8bit\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"--b1\r\n",
    b"--b1--\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\xe9",
    b"\x00",
    b"text ",
    b"x" * 999,
]


@given(st.lists(st.sampled_from(TOKENS), max_size=25))
def test_whatever_comes_it_fits_or_cannot(tokens: list[bytes]) -> None:
    octets = b"".join(tokens)
    result = convert(octets, LACKS)
    if isinstance(result, Converted):
        new = b"".join(result.chunks())
        assert examine(new, 0, len(new)) == Needs()
