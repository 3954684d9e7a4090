import mmap
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.octets import (
    WINDOW_OCTETS,
    count_lines,
    is_ascii,
    longest_line,
    windows,
)


def simple_longest(octets: bytes) -> int:
    lines = octets.split(b"\n")
    ends = len(lines) - 1
    longest = max(
        len(line[:-1] if n < ends and line.endswith(b"\r") else line)
        for n, line in enumerate(lines)
    )
    return longest if longest > 998 else 0


@given(
    st.lists(st.tuples(st.integers(0, 2500), st.sampled_from([b"\r\n", b"\n", b""])), max_size=6)
)
def test_longest_line(lines: list[tuple[int, bytes]]) -> None:
    octets = b"".join(b"x" * size + end for size, end in lines)
    assert longest_line(octets) == simple_longest(octets)


def test_a_line_of_998_is_allowed() -> None:
    assert longest_line(b"x" * 998 + b"\r\n") == 0
    assert longest_line(b"x" * 998) == 0
    assert longest_line(b"x" * 999 + b"\r\n") == 999
    assert longest_line(b"y\r\n" * 500 + b"x" * 1500 + b"\n" + b"x" * 1200) == 1500


def test_a_mapped_file(tmp_path: Path) -> None:
    octets = b"a\r\n" * WINDOW_OCTETS + b"\xff" + b"x" * 2000
    path = tmp_path / "octets"
    path.write_bytes(octets)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert b"".join(windows(mapped, 5, len(mapped))) == octets[5:]
        assert count_lines(mapped, 3, len(mapped)) == count_lines(octets, 3, len(octets))
        assert not is_ascii(mapped)
        assert longest_line(mapped) == 2001
    assert is_ascii(octets[:100])
