"""Pieces, packs and manifests: whatever the octets, only the errors that are announced."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.archive import MemoryArchive
from core.house import Jobs
from postroad.base.errors import Invalid, NotFound
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.manifest import Manifest, load, new_id, newest, store
from postroad.core.backup.packs import (
    Pack,
    decode_catalogue,
    decode_pack,
    encode_catalogues,
    encode_pack,
)
from postroad.core.backup.pieces import DamagedPiece, Kind, Pieces, decode, encode
from postroad.core.backup.pruning import all_but_newest, made_at, older_than
from postroad.core.backup.reading import decode_files, encode_files
from postroad.model.ids import BlobId
from postroad.ports.archive import Room
from stores.making import NOW

SEALER = Sealer(b"k" * 32)
BLOBS = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16).map(BlobId), st.binary(max_size=300))
)


@given(blobs=BLOBS)
def test_a_pack_is_what_was_packed(blobs: list[tuple[BlobId, bytes]]) -> None:
    found = decode_pack("name", encode_pack(blobs))
    assert [(blob_id, bytes(octets)) for blob_id, octets in found] == blobs


@given(octets=st.binary(max_size=400) | BLOBS.map(encode_pack))
def test_no_pack_harms(octets: bytes) -> None:
    for spoilt in (octets, octets[:-1], octets + b"x", octets[1:]):
        try:
            decode_pack("name", spoilt)
        except DamagedPiece as error:
            assert "piece name" in str(error)  # noqa: PT017


@given(octets=st.binary(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
).map(msgspec.json.encode))  # fmt: skip
def test_no_catalogue_and_no_list_of_files_harms(octets: bytes) -> None:
    for reading in (decode_catalogue, decode_files):
        try:
            reading("name", octets)
        except DamagedPiece as error:
            assert "piece name" in str(error)  # noqa: PT017


@given(octets=st.binary(max_size=500))
def test_a_piece_is_what_was_stored(octets: bytes) -> None:
    encoded = encode(SEALER, "name", octets)
    assert decode(SEALER, "name", encoded) == octets
    with pytest.raises(DamagedPiece, match="another one than its name says"):
        decode(SEALER, "other", encoded)
    with pytest.raises(Invalid, match="another master key"):
        decode(Sealer(b"o" * 32), "name", encoded)


@given(octets=st.binary(max_size=200), at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_every_bit_counts(octets: bytes, at: int, bit: int) -> None:
    spoilt = bytearray(encode(SEALER, "name", octets))
    spoilt[at % len(spoilt)] ^= 1 << bit
    with pytest.raises(DamagedPiece):
        decode(SEALER, "name", bytes(spoilt))
    with pytest.raises(DamagedPiece):
        decode(SEALER, "name", bytes(spoilt[: at % len(spoilt)]))


async def test_the_same_octets_are_stored_once() -> None:
    archive = MemoryArchive()
    pieces = Pieces(archive, SEALER, Jobs())
    name = await pieces.put(Kind.BLOCK, b"same")
    assert await pieces.put(Kind.BLOCK, b"same") == name
    assert (pieces.stored_pieces, len(archive.rooms[Room.PIECES])) == (1, 1)
    assert await pieces.put(Kind.PACK, b"same") != name, "another kind is another piece"
    assert await Pieces(archive, Sealer(b"o" * 32), Jobs()).put(Kind.BLOCK, b"same") != name
    assert await pieces.get(Kind.BLOCK, name) == b"same"
    with pytest.raises(DamagedPiece, match="something else than its name says"):
        await pieces.get(Kind.PACK, name)


def test_a_new_pack_changes_few_catalogues() -> None:
    packs = [Pack(f"name{n}", [(f"{n:032x}", 5)]) for n in range(600)]
    before = encode_catalogues(packs)
    after = encode_catalogues([Pack("new", [("f" * 32, 5)]), *reversed(packs)])
    assert len(before) == len(after) == 3
    assert before[:2] == after[:2]
    assert [pack for one in before for pack in decode_catalogue("", one)] == packs


async def test_a_backup_is_read_as_it_was_written() -> None:
    archive = MemoryArchive()
    manifest = Manifest(
        backup_id=new_id(NOW),
        created_at=NOW,
        database_octets=5,
        blocks=["a"],
        catalogues=["b"],
        files="c",
        blobs=1,
        blob_octets=2,
        unreadable=[],
        new_pieces=3,
        new_octets=4,
    )
    with pytest.raises(NotFound):
        await newest(archive)
    await store(archive, SEALER, manifest)
    assert await load(archive, SEALER, await newest(archive)) == manifest
    other = msgspec.json.encode(msgspec.to_builtins(manifest) | {"version": 2})
    await archive.put(Room.BACKUPS, manifest.backup_id, encode(SEALER, manifest.backup_id, other))
    with pytest.raises(Invalid, match="newer version"):
        await load(archive, SEALER, manifest.backup_id)
    more = msgspec.json.encode(msgspec.to_builtins(manifest) | {"colour": 2})
    await archive.put(Room.BACKUPS, manifest.backup_id, encode(SEALER, manifest.backup_id, more))
    with pytest.raises(Invalid, match="newer version"):
        await load(archive, SEALER, manifest.backup_id)


def test_which_are_old() -> None:
    ids = ["20231114T221320Z-000000", "20231115T221320Z-000000", "20231116T221320Z-000000"]
    assert made_at(ids[0]) == NOW
    assert all_but_newest(ids, 1) == ids[:2]
    assert all_but_newest(ids, 5) == []
    assert older_than(ids, NOW) == []
    assert older_than(ids, made_at(ids[1])) == ids[:1]
    assert older_than(ids, made_at("20300101T000000Z-000000")) == ids[:2], "the newest stays"


def test_files_are_listed_in_order() -> None:
    assert encode_files({"b": b"1", "a": b"2"}) == encode_files({"a": b"2", "b": b"1"})
    assert decode_files("name", encode_files({"b": b"\xff"})) == {"b": b"\xff"}
