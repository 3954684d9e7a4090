"""Fuzz the reading of a segment file: all of it is gone through, once, and whole records found."""

import sys

from postroad.adapters.segments.record import Header, checksum_of
from postroad.adapters.segments.scan import Damaged, Found, Torn, scan
from postroad.model.ids import BlobId

SALT = b"saltsalt"


def one_input(data: bytes) -> None:
    check(data)
    # Records around what came, so that it stands where records are looked for.
    before, _, behind = data.partition(b"|")
    octets = _record(before) + data + _record(behind)
    assert isinstance(check(octets)[0], Found)
    # One octet of a record is another one.
    place = len(data) % len(octets)
    check(octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :])


def check(octets: bytes) -> list[Found | Damaged | Torn]:
    position, items = 0, []
    for item in scan(lambda size, at: octets[at : at + size], 0, len(octets), SALT, 0):
        items.append(item)
        assert item.offset == position
        if isinstance(item, Torn):
            return items
        assert item.end > position
        position = item.end
    assert position == len(octets)
    return items


def _record(blob: bytes) -> bytes:
    return Header(SALT, BlobId(bytes(16)), len(blob), checksum_of([blob])).encode() + blob


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
