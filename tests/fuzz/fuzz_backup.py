"""Fuzz what is read from backups: pieces that were changed, and what they may hold."""

import sys
from contextlib import suppress

from postroad.core.auth.sealing import Sealer
from postroad.core.backup.packs import decode_catalogue, decode_pack, encode_pack
from postroad.core.backup.pieces import DamagedPiece, decode, encode
from postroad.core.backup.reading import decode_files

_SEALER = Sealer(b"k" * 32)
_WHOLE = encode(_SEALER, "name", b"octets" * 20)


def one_input(data: bytes) -> None:
    """As a piece, as changes to one, and as what is in one."""
    if data:
        spoilt = bytes(a ^ b for a, b in zip(_WHOLE, data, strict=False)) + _WHOLE[len(data) :]
        for encoded in (data, spoilt):
            try:
                assert decode(_SEALER, "name", encoded) == b"octets" * 20
                assert not any(data[: len(_WHOLE)])
            except DamagedPiece:
                pass
    for read in (decode_catalogue, decode_files):
        with suppress(DamagedPiece):
            read("name", data)
    try:
        blobs = decode_pack("name", data)
    except DamagedPiece:
        return
    assert encode_pack(blobs) == data


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
