"""What octets need of a server."""

import pytest

from postroad.formats.convert.examine import examine, is_in_the_way
from postroad.model.queue import Needs


@pytest.mark.parametrize(
    ("octets", "needs"),
    [
        (b"", Needs()),
        (b"abc\r\n" * 1000, Needs()),
        (b"x" * 998 + b"\r\n", Needs()),
        (b"x" * 998, Needs()),
        (b"x" * 999 + b"\r\n", Needs(long_lines=True)),
        (b"a\r\n" + b"x" * 999, Needs(long_lines=True)),
        (b"\xc3\xa9\r\n", Needs(eight_bit=True)),
        (b"a\x00\r\n", Needs(binary=True)),
        (b"a\nb", Needs(binary=True)),
        (b"a\rb\r\n", Needs(binary=True)),
        (b"a\r", Needs(binary=True)),
    ],
)
def test_needs(octets: bytes, needs: Needs) -> None:
    assert examine(octets, 0, len(octets)) == needs
    around = b"\xff\x00" + octets + b"\xff\x00"
    assert examine(around, 2, 2 + len(octets)) == needs


def test_a_crlf_across_two_windows_is_one_line_end() -> None:
    octets = (b"x" * 510 + b"\r\n") * 511 + b"y" * 511 + b"\r\n" + b"z\r\n"
    assert examine(octets, 0, len(octets)) == Needs()


def test_only_what_is_lacking_is_in_the_way() -> None:
    assert not is_in_the_way(Needs(eight_bit=True), Needs(binary=True))
    assert is_in_the_way(Needs(eight_bit=True), Needs(eight_bit=True))
    assert is_in_the_way(Needs(long_lines=True), Needs())
