"""Parts in the octets of a BODYSTRUCTURE."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.parttable import decode, find
from postroad.formats.mime.prepare import prepare
from postroad.wire.imap.structure import decoded, part_of

LETTER = b"""\
Subject: x
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b (1"

--b (1
Content-Type: text/plain; charset=us-ascii
Content-Description: "quoted ) \\"
Content-Transfer-Encoding: base64

aGVsbG8=
--b (1
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=c

--c

one
--c
Content-Type: text/html

two
--c--
--b (1--
""".replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def structure() -> bytes:
    return prepare(LETTER).body_structure


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ((), b'(("text" "plain" '),
        ((1,), b'("text" "plain" ("charset" "us-ascii") NIL '),
        ((2,), b'("message" "rfc822" '),
        ((2, 1), b'("text" "plain" '),
        ((2, 2), b'("text" "html" '),
        ((2, 2, 1), None),
        ((1, 1), None),
        ((3,), None),
        ((2, 3), None),
    ],
)
def test_part(structure: bytes, path: tuple[int, ...], begins: bytes | None) -> None:
    found = part_of(structure, path)
    assert (found is None) == (begins is None)
    assert found is None or found.startswith(begins or b"")


def test_the_only_part_is_the_message() -> None:
    structure = prepare(b"Subject: x\r\n\r\ny\r\n").body_structure
    assert part_of(structure, (1,)) == structure
    assert part_of(structure, (2,)) is None
    assert part_of(structure, (1, 1)) is None


def test_after_decoding(structure: bytes) -> None:
    """RFC 5524 section 3.2."""
    first = part_of(structure, (1,))
    assert first is not None
    plain = decoded(first, b"7bit", 5)
    assert b' "7bit" 5 0 ' in plain
    assert plain.startswith(b'("text" "plain" ("charset" "us-ascii") NIL ')


_LINES = [
    b"Content-Type: multipart/mixed; boundary=x",
    b"Content-Type: message/rfc822",
    b'Content-Type: text/plain; name="a\\"(b"',
    "Content-Description: ä{3}".encode(),
    b"--x",
    b"--x--",
    b"",
    b"Text",
]


@given(st.lists(st.sampled_from(_LINES), max_size=25), st.lists(st.integers(1, 3), max_size=4))
def test_it_finds_what_the_part_table_finds(lines: list[bytes], path: list[int]) -> None:
    prepared = prepare(b"\r\n".join(lines))
    root = decode(prepared.part_table)
    found = part_of(prepared.body_structure, tuple(path))
    part = find(root, tuple(path))
    assert (found is None) == (part is None)
