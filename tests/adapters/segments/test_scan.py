import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.adapters.segments import scan as module
from postroad.adapters.segments.record import (
    HEADER_OCTETS,
    MAGIC,
    Header,
    checksum_of,
    decode_header,
)
from postroad.adapters.segments.scan import Damaged, Found, Item, Torn, scan
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId

SALT = b"abcdefgh"


def record(payload: bytes, salt: bytes = SALT) -> bytes:
    header = Header(salt, BlobId(new_octets()), len(payload), checksum_of([payload]))
    return header.encode() + payload


def items(octets: bytes, *, salt: bytes | None = SALT, verify_from: int = 0) -> list[Item]:
    return list(scan(lambda count, at: octets[at : at + count], 0, len(octets), salt, verify_from))


def shape(found: list[Item]) -> list[tuple[str, int]]:
    return [(type(item).__name__, item.offset) for item in found]


def test_a_header_goes_there_and_back() -> None:
    header = Header(SALT, BlobId(new_octets()), 2**40, checksum_of([b"a", b"b"]))
    assert len(header.encode()) == HEADER_OCTETS
    assert decode_header(header.encode(), SALT) == decode_header(header.encode(), None) == header
    assert decode_header(header.encode(), b"another!") is None
    assert decode_header(header.encode()[:-1], None) is None
    assert checksum_of([b"a", b"b"]) == checksum_of([memoryview(b"ab")])


@pytest.mark.parametrize("at", range(HEADER_OCTETS))
def test_any_changed_octet_of_a_header_is_noticed(at: int) -> None:
    octets = bytearray(record(b""))
    octets[at] ^= 0x40
    assert decode_header(bytes(octets), None) is None


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_records_one_behind_the_other(size: int) -> None:
    octets = record(b"x" * size) * 3
    step = HEADER_OCTETS + size
    assert shape(items(octets)) == [("Found", 0), ("Found", step), ("Found", 2 * step)]


@pytest.mark.parametrize("cut", [1, 30, HEADER_OCTETS, HEADER_OCTETS + 50])
def test_a_torn_end(cut: int) -> None:
    octets = record(b"x" * 100) + record(b"y" * 100)[:cut]
    assert shape(items(octets)) == [("Found", 0), ("Torn", HEADER_OCTETS + 100)]


def test_zeros_at_the_end_are_torn() -> None:
    assert shape(items(record(b"x") + bytes(5000))) == [("Found", 0), ("Torn", 65)]


def test_damage_is_passed_over() -> None:
    one, bad, three = record(b"one"), bytearray(record(b"two")), record(b"three")
    bad[10] ^= 1
    assert shape(items(one + bad + three)) == [("Found", 0), ("Damaged", 67), ("Found", 134)]
    bad[10] ^= 1
    bad[-1] ^= 1
    found = items(one + bad + three)
    assert shape(found) == [("Found", 0), ("Damaged", 67), ("Found", 134)]
    assert isinstance(found[1], Damaged)
    assert found[1].header
    assert shape(items(one + bad + three, verify_from=1000))[1] == ("Found", 67)


def test_a_record_of_another_file_is_none() -> None:
    assert shape(items(record(b"x") + record(b"y", b"another!") + record(b"z"))) == [
        ("Found", 0),
        ("Damaged", 65),
        ("Found", 130),
    ]


@pytest.mark.parametrize("window", [64, 65, 100, 127])
def test_the_next_header_is_found_across_windows(
    monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(module, "_WINDOW", window)
    for junk in range(1, 200):
        octets = MAGIC * 2 + b"j" * junk + record(b"x")
        assert shape(items(octets)) == [("Damaged", 0), ("Found", junk + 8)]


@given(
    parts=st.lists(
        st.one_of(st.binary(max_size=200), st.binary(max_size=90).map(record)), max_size=6
    ),
    cut=st.integers(0, 100),
    start_with=st.sampled_from([SALT, None]),
)
def test_whatever_lies_there_is_covered_in_order(
    parts: list[bytes], cut: int, start_with: bytes | None
) -> None:
    octets = b"".join(parts)
    octets = octets[: len(octets) - cut] if cut else octets
    position = 0
    for item in items(octets, salt=start_with):
        assert item.offset == position < len(octets)
        match item:
            case Found():
                position = item.end
            case Damaged(_, end, _):
                position = end
            case Torn():
                position = len(octets)
    assert position == len(octets)
