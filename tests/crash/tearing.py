"""Torn ends of files, as a machine that died in the middle of a write may leave them."""

import struct
from pathlib import Path
from random import Random

from postroad.adapters.segments.record import HEADER_OCTETS, Header, decode_header
from postroad.model.ids import BlobId

_WAL_HEADER = struct.Struct(">IIIIIIII")
_FRAME_HEADER = 24


def tear(data_dir: Path, chance: Random) -> list[str]:
    """Add what is no whole record to the newest segment and to the logs of the databases."""
    torn = []
    segments = sorted((data_dir / "blobs").glob("*.seg"))
    if segments and segments[-1].stat().st_size:
        with segments[-1].open("ab") as file:
            file.write(_torn_record(segments[-1], chance))
        torn.append(segments[-1].name)
    for log in sorted(data_dir.rglob("*-wal")):
        if log.stat().st_size >= _WAL_HEADER.size:
            _tear_log(log, chance)
            torn.append(log.name)
    return torn


def _torn_record(segment: Path, chance: Random) -> bytes:
    """Garbage, or a part of a record that looks right as far as it goes."""
    with segment.open("rb") as file:
        first = decode_header(file.read(HEADER_OCTETS), None)
    if first is None or chance.random() < 0.3:
        return chance.randbytes(chance.randrange(1, 201))
    length = chance.randrange(300, 100_000)
    header = Header(first.salt, BlobId(chance.randbytes(16)), length, chance.randbytes(16))
    whole = header.encode() + chance.randbytes(length)
    return whole[: chance.randrange(1, len(whole))]


def _tear_log(log: Path, chance: Random) -> None:
    """Half a frame behind the last one of SQLite's write-ahead log that counts."""
    with log.open("r+b") as file:
        fields = _WAL_HEADER.unpack(file.read(_WAL_HEADER.size))
        page_octets, salts = fields[2], struct.pack(">II", *fields[4:6])
        end = _WAL_HEADER.size
        while True:
            file.seek(end)
            if file.read(_FRAME_HEADER)[8:16] != salts:
                break
            end += _FRAME_HEADER + page_octets
        page, size = chance.randrange(1, 50), chance.randrange(50, 500)
        frame = struct.pack(">II", page, size) + salts + chance.randbytes(8 + page_octets)
        file.seek(end)
        file.write(frame[: chance.randrange(1, len(frame))])
