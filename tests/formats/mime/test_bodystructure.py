import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.imapgrammar import check_body, read
from formats.mime.samples import RFC_2049, VECTORS, nonsense
from formats.mime.test_scanner import nested, vectors
from postroad.formats.mime import bodystructure
from postroad.formats.mime.scanner import scan


def crlf(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


DIFF = "a" * 4552
EMPTY = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

# Message, BODY, and BODYSTRUCTURE. The first two are the examples of RFC 9051 section 7.5.2.
CASES: list[tuple[str, str, bytes, bytes]] = [
    (
        "a text",
        "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n" + "x" * 45 + "\n" + "y" * 44 + "\n",
        b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 93 2)',
        b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 93 2 NIL NIL NIL NIL)',
    ),
    (
        "two parts",
        "Content-Type: MULTIPART/MIXED; boundary=a\n\n--a\n\nabc\n\n--a\n"
        "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=cc.diff\n"
        "Content-ID: <960723163407.20117h@cac.washington.edu>\n"
        "Content-Description: Compiler diff\nContent-Transfer-Encoding: BASE64\n\n"
        + DIFF
        + "\n\n--a--\n",
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1)'
        b'("text" "plain" ("charset" "US-ASCII" "name" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 4554 1) "mixed")',
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)'
        b'("text" "plain" ("charset" "US-ASCII" "name" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 4554 1 '
        b"NIL NIL NIL NIL) "
        b'"mixed" ("boundary" "a") NIL NIL NIL)',
    ),
    (
        "all extension data",
        "Content-Type: image/png\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\n"
        'Content-Language: en, "de"\n'
        'Content-Disposition: ATTACHMENT; filename="a b.png"; size=3\n'
        "Content-Location: http://a.test/\n  b.png\n\nabc",
        b'("image" "png" NIL NIL NIL "7bit" 3)',
        b'("image" "png" NIL NIL NIL "7bit" 3 "Q2hlY2sgSW50ZWdyaXR5IQ==" '
        b'("attachment" ("filename" "a b.png" "size" "3")) ("en" "\\"de\\"") "http://a.test/b.png")',
    ),
    (
        "one language",
        "Content-Language: en\nContent-Disposition: inline\n\n",
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL ("inline" NIL) "en" NIL)',
    ),
    (
        "a message",
        "Content-Type: message/rfc822\n\nSubject: x\nContent-Type: text/html\n\na\nb\n",
        b'("message" "rfc822" NIL NIL NIL "7bit" 45 (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 6 2) 5)',
        b'("message" "rfc822" NIL NIL NIL "7bit" 45 (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 6 2 NIL NIL NIL NIL) 5 '
        b"NIL NIL NIL NIL)",
    ),
    (
        "a multipart without parts is a text",
        "Content-Type: multipart/mixed; boundary=a\n\nabc\n",
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1)',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)',
    ),
    (
        "an encoded message is some octets",
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nabcd",
        b'("application" "octet-stream" NIL NIL NIL "base64" 4)',
        b'("application" "octet-stream" NIL NIL NIL "base64" 4 NIL NIL NIL NIL)',
    ),
    (
        "another message type has no structure",
        "Content-Type: message/delivery-status\n\nabcd",
        b'("message" "delivery-status" NIL NIL NIL "7bit" 4)',
        b'("message" "delivery-status" NIL NIL NIL "7bit" 4 NIL NIL NIL NIL)',
    ),
]


@pytest.mark.parametrize(
    ("message", "body", "structure"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_structures(message: str, body: bytes, structure: bytes) -> None:
    root = scan(crlf(message)).root
    assert bodystructure.encode(root, extensible=False) == body
    assert bodystructure.encode(root, extensible=True) == structure
    assert bodystructure.encode(root, extensible=True, utf8=True) == structure


def test_continued_parameters_are_joined_and_decoded() -> None:
    message = crlf(
        "Content-Type: x/y; baz*0=\"a\"; baz*1=b; foo*0*=iso-8859-1''caf; foo*1*=%E9\n\n"
    )
    root = scan(message).root
    assert b'("baz" "ab" "foo*" "iso-8859-1\'\'caf%E9")' in bodystructure.encode(
        root, extensible=True
    )
    # RFC 9051 section 7.5.2 wants the second one in UTF-8.
    assert '("baz" "ab" "foo*" "café")'.encode() in bodystructure.encode(
        root, extensible=True, utf8=True
    )


def test_raw_utf8_is_for_those_who_asked() -> None:
    message = crlf('Content-Type: x/y; name="é"\nContent-Description: é\nContent-ID: é\n\n')
    root = scan(message).root
    assert bodystructure.encode(root, extensible=False) == (
        b'("x" "y" ("name*" "utf-8\'\'%C3%A9") "?" "=?utf-8?b?w6k=?=" "7bit" 0)'
    )
    assert bodystructure.encode(root, extensible=False, utf8=True) == (
        '("x" "y" ("name" "é") "é" "é" "7bit" 0)'.encode()
    )


def test_rfc_2049_appendix_a() -> None:
    body = read(bodystructure.encode(scan(RFC_2049).root, extensible=False))
    types = [part[0] if isinstance(part, list) else part for part in body]
    assert types[0] == b"text"
    assert isinstance(body[2], list)
    assert body[2][-1] == b"parallel"
    assert types[-1] == b"mixed"


def check(octets: bytes) -> None:
    root = scan(octets).root
    for extensible in (False, True):
        for utf8 in (False, True):
            encoded = bodystructure.encode(root, extensible=extensible, utf8=utf8)
            check_body(read(encoded), extensible=extensible)
            assert utf8 or encoded.isascii()
            encoded.decode("utf-8")


@given(st.binary(max_size=300))
def test_any_octets_have_a_structure(octets: bytes) -> None:
    check(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" + octets)


@given(st.integers(0, 2**32))
def test_any_order_of_lines_has_a_structure(seed: int) -> None:
    check(nonsense(seed))


def test_the_deepest_message() -> None:
    check(nested(10_000))


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="THE PUBLIC VECTORS ARE NOT HERE: ../shared/vectors"
)
@pytest.mark.parametrize("path", vectors() or [Path(os.devnull)], ids=lambda path: path.stem)
def test_public_messages(path: Path) -> None:
    check(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
