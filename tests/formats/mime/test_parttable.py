import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.samples import RFC_2049, VECTORS, nonsense
from formats.mime.test_scanner import vectors
from postroad.formats.mime import parttable
from postroad.formats.mime.parttable import Section, find, resolve
from postroad.formats.mime.scanner import Part, scan


def crlf(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


# The message of RFC 9051 section 6.4.5.1: 1 text, 2 octets, 3 message (1 text, 2 octets),
# 4 multipart (1 image, 2 message (1 text, 2 multipart (1 plain, 2 richtext))).
RFC_9051 = crlf(
    """Subject: top
Content-Type: multipart/mixed; boundary=a

--a

one
--a
Content-Type: application/octet-stream

two
--a
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary=b

--b

three one
--b
Content-Type: application/octet-stream

three two
--b--

--a
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/gif

four one
--c
Content-Type: message/rfc822

Subject: four two
Content-Type: multipart/mixed; boundary=d

--d

four two one
--d
Content-Type: multipart/alternative; boundary=e

--e

four two two one
--e
Content-Type: text/richtext

four two two two
--e--
--d--
--c--
--a--
"""
)

WHOLE, HEADER, TEXT, MIME = Section.WHOLE, Section.HEADER, Section.TEXT, Section.MIME

WANTED: list[tuple[tuple[int, ...], Section, bytes | None]] = [
    ((), WHOLE, RFC_9051),
    ((), HEADER, RFC_9051[: RFC_9051.index(b"--a\r\n")]),
    ((), TEXT, RFC_9051[RFC_9051.index(b"--a\r\n") :]),
    ((), MIME, None),
    ((1,), WHOLE, b"one"),
    ((1,), MIME, b"\r\n"),
    ((1,), HEADER, None),
    ((1,), TEXT, None),
    ((1, 1), WHOLE, None),
    ((2,), WHOLE, b"two"),
    ((2,), MIME, b"Content-Type: application/octet-stream\r\n\r\n"),
    ((3,), MIME, b"Content-Type: message/rfc822\r\n\r\n"),
    ((3,), HEADER, crlf("Subject: three\nContent-Type: multipart/mixed; boundary=b\n\n")),
    (
        (3,),
        TEXT,
        crlf(
            "--b\n\nthree one\n--b\nContent-Type: application/octet-stream\n\nthree two\n--b--\n"
        ),
    ),
    ((3, 1), WHOLE, b"three one"),
    ((3, 2), WHOLE, b"three two"),
    ((3, 3), WHOLE, None),
    ((4,), MIME, crlf("Content-Type: multipart/mixed; boundary=c\n\n")),
    ((4,), HEADER, None),
    ((4, 1), WHOLE, b"four one"),
    ((4, 1), MIME, crlf("Content-Type: image/gif\n\n")),
    ((4, 2), HEADER, crlf("Subject: four two\nContent-Type: multipart/mixed; boundary=d\n\n")),
    ((4, 2, 1), WHOLE, b"four two one"),
    ((4, 2, 2), MIME, crlf("Content-Type: multipart/alternative; boundary=e\n\n")),
    ((4, 2, 2, 1), WHOLE, b"four two two one"),
    ((4, 2, 2, 2), WHOLE, b"four two two two"),
    ((4, 2, 2, 3), WHOLE, None),
    ((5,), WHOLE, None),
    ((0,), WHOLE, None),
    ((-1,), WHOLE, None),
]


@pytest.mark.parametrize(("path", "what", "expected"), WANTED)
def test_the_message_of_rfc_9051(
    path: tuple[int, ...], what: Section, expected: bytes | None
) -> None:
    table = parttable.decode(parttable.encode(scan(RFC_9051).root))
    found = resolve(table, path, what)
    assert (None if found is None else RFC_9051[found[0] : found[1]]) == expected


def test_part_1_of_a_message_that_is_no_multipart_is_its_body() -> None:
    octets = crlf("Subject: x\n\nbody\n")
    table = parttable.row(scan(octets).root)
    assert resolve(table, (1,)) == (14, 20)
    assert resolve(table, (1,), MIME) == (0, 14)
    assert resolve(table, (1,), HEADER) is None
    assert resolve(table, (1, 1)) is None
    assert resolve(table, (2,)) is None


def test_part_1_of_a_message_that_is_a_message() -> None:
    octets = crlf("Content-Type: message/rfc822\n\nSubject: x\n\nbody\n")
    table = parttable.row(scan(octets).root)
    assert resolve(table, (1,)) == (32, 52)
    assert resolve(table, (1,), HEADER) == (32, 46)
    assert resolve(table, (1,), TEXT) == (46, 52)
    assert resolve(table, (1, 1)) == (46, 52)
    assert resolve(table, (1, 1, 1)) is None


def test_what_is_kept_of_a_part() -> None:
    octets = crlf(
        "Content-Type: text/plain; charset=utf-8; name=b\nContent-Transfer-Encoding: BASE64\n"
        "Content-Disposition: attachment; filename*=utf-8''caf%C3%A9\nContent-ID: <c@d>\n\n"
        "YWJj\n"
    )
    table = parttable.decode(parttable.encode(scan(octets).root))
    assert table == parttable.PartRow(
        0, len(octets) - 6, len(octets), 1, "text", "plain", "base64", (),
        "utf-8", "attachment", "café", "<c@d>",
    )  # fmt: skip
    assert table.size == 6


def check(octets: bytes) -> None:
    root = scan(octets).root
    table = parttable.decode(parttable.encode(root))
    assert resolve(table, ()) == (0, len(octets))

    def walk(part: Part, path: tuple[int, ...]) -> None:
        """`part` is what `path` names."""
        row = find(table, path)
        assert row is not None
        assert (row.header_start, row.body_start) == (part.header_start, part.body_start)
        if path:
            assert resolve(table, path) == (part.body_start, part.body_end)
            assert resolve(table, path, MIME) == (part.header_start, part.body_start)
            inner = part.children[0] if part.is_message else None
            assert resolve(table, path, HEADER) == (
                None if inner is None else (inner.header_start, inner.body_start)
            )
            container = part if part.is_multipart else inner
        else:
            container = part
        if container is not None and container.is_multipart:
            for number, child in enumerate(container.children, start=1):
                walk(child, (*path, number))
        elif container is not None:
            walk(container, (*path, 1))

    walk(root, ())


@given(st.integers(0, 2**32))
def test_any_order_of_lines_has_a_table(seed: int) -> None:
    check(nonsense(seed))


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="THE PUBLIC VECTORS ARE NOT HERE: ../shared/vectors"
)
@pytest.mark.parametrize("path", vectors() or [Path(os.devnull)], ids=lambda path: path.stem)
def test_public_messages(path: Path) -> None:
    check(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def test_rfc_2049_appendix_a() -> None:
    check(RFC_2049)
