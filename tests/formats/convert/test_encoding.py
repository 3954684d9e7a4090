"""RFC 2045 section 6, in chunks."""

import base64
import quopri

from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.convert.encoding import (
    base64_chunks,
    quoted_printable_chunks,
    suits_quoted_printable,
)

PIECES = st.lists(st.sampled_from([b"abc", b"\r\n", b"\xff", b" ", b"=", b".", b"x" * 90]))


@given(PIECES)
def test_chunks_come_back_whole(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    assert base64.b64decode(b"".join(base64_chunks(pieces))) == octets
    encoded = b"".join(quoted_printable_chunks(pieces))
    assert quopri.decodestring(encoded) == octets
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


def test_a_very_long_line_is_not_held() -> None:
    pieces = [b"x" * 50_000 + b" "] * 10
    chunks = list(quoted_printable_chunks(pieces))
    assert len(chunks) > 4
    assert quopri.decodestring(b"".join(chunks)) == b"".join(pieces)


def test_texts_and_others() -> None:
    assert suits_quoted_printable([b"caf\xc3\xa9 and more\r", b"\nx"])
    assert not suits_quoted_printable([b"\xe4\xbd\xa0\xe5\xa5\xbd"])
    assert not suits_quoted_printable([b"a\nb"])
    assert not suits_quoted_printable([b"a\r"])
