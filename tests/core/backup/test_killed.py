"""Backups and their clearing, broken off at every step: what was whole stays whole."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.backup.archive import Killed, MemoryArchive
from core.house import House, Jobs, Watch
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.base.errors import TryLater
from postroad.base.moments import Moment, after, from_datetime
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.checking import Checking
from postroad.core.backup.create import Creation, Hold
from postroad.core.backup.manifest import Manifest, ids, load
from postroad.core.backup.pieces import Pieces
from postroad.core.backup.progress import silent
from postroad.core.backup.pruning import all_but_newest, prune
from postroad.core.backup.reading import BackupReader, encode_files
from postroad.core.upkeep.service import Retention, Upkeep
from postroad.model.ids import BlobId
from postroad.ports.archive import Room
from postroad.stores.snapshot import Snapshot
from stores.making import blob

SEALER = Sealer(b"k" * 32)


class State(Snapshot):
    """A database of a few blocks, and what it refers to."""

    def __init__(self, number: int, blobs: list[BlobId], taken_at: Moment) -> None:
        self.parts = [b"head" * 50, f"state {number}".encode() * 50]
        self.blobs = sorted(blobs)
        self.taken_at = taken_at
        self.octets = sum(map(len, self.parts))

    async def blocks(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    async def references(self, after: BlobId, limit: int) -> list[BlobId]:
        return [blob for blob in self.blobs if blob > after][:limit]


class Place:
    """A house with mail that comes and goes, and an archive of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.house = House(tmp_path)
        self.archive = MemoryArchive()
        self.clock = Watch()
        self.held: list[BlobId] = []
        self.states: dict[str, tuple[bytes, dict[BlobId, bytes]]] = {}
        self.number = 0

    async def live(self) -> None:
        """Ten messages come, the oldest three go, time goes by."""
        self.number += 1
        for n in range(10):
            octets = f"message {self.number}.{n} ".encode() * 20
            self.held.append(await self.house.blobs.put([octets]))
        self.held = self.held[3:]
        self.clock.at = after(self.clock.at, timedelta(seconds=1))

    async def create(self) -> Manifest:
        state = State(self.number, self.held, self.clock.at)
        hold = Hold(MemoryLeaseStore(self.house.state), self.clock, "memory")
        await hold.renew()
        pieces = Pieces(self.archive, SEALER, Jobs())
        creation = Creation(self.archive, pieces, SEALER, self.house.blobs, hold)
        made = await creation.run(state, encode_files({"a": b"b"}))
        blobs = {blob: self.house.blobs.blobs[blob] for blob in self.held}
        self.states[made.backup_id] = b"".join(state.parts), blobs
        return made

    async def prune(self) -> None:
        pieces = Pieces(self.archive, SEALER, Jobs())
        await prune(self.archive, SEALER, pieces, all_but_newest(await ids(self.archive), 1))

    async def check(self) -> list[str]:
        """Every backup that is listed has all that there was."""
        listed = await ids(self.archive)
        pieces = Pieces(self.archive, SEALER, Jobs())
        checked = await Checking(self.archive, SEALER, pieces, silent).run(listed)
        assert checked.faults == {}
        for backup_id in listed:
            database, blobs = self.states[backup_id]
            reader = BackupReader(pieces, await load(self.archive, SEALER, backup_id))
            assert b"".join([block async for block in reader.database(silent)]) == database
            found = {
                blob: bytes(octets)
                async for pack in reader.blobs(blobs, silent)
                for blob, octets in pack
            }
            assert found == blobs
            assert await reader.files() == {"a": b"b"}
        return listed


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("postroad.core.backup.collecting.PACK_OCTETS", 600)
    return Place(tmp_path)


async def test_create_killed_at_every_step(place: Place) -> None:
    await place.live()
    first = await place.create()
    steps = 0
    while True:
        await place.live()
        place.archive.lives = steps
        try:
            await place.create()
        except Killed:
            place.archive.lives = None
            assert await place.check() == [first.backup_id], f"killed at step {steps}"
            steps += 1
        else:
            break
    place.archive.lives = None
    assert steps > 5
    assert len(await place.check()) == 2


async def test_prune_killed_at_every_step(place: Place) -> None:
    steps = 0
    while True:
        for _ in range(3):
            await place.live()
            newest = await place.create()
        place.archive.lives = steps
        try:
            await place.prune()
        except Killed:
            place.archive.lives = None
            assert newest.backup_id in await place.check(), f"killed at step {steps}"
            steps += 1
        else:
            break
    place.archive.lives = None
    assert steps > 5
    assert await place.check() == [newest.backup_id]


async def test_what_was_left_over_is_cleared(place: Place) -> None:
    await place.live()
    await place.create()
    await place.live()
    place.archive.lives = 3
    with pytest.raises(Killed):
        await place.create()
    place.archive.lives = None
    left = set(place.archive.rooms[Room.PIECES])
    await place.prune()
    assert len(left - set(place.archive.rooms[Room.PIECES])) == 3
    await place.check()


async def test_a_pack_of_which_little_is_left_is_stored_anew(place: Place) -> None:
    for _ in range(6):
        await place.live()
        last = await place.create()
    place.held = place.held[-1:]
    place.clock.wait(timedelta(seconds=1))
    small = await place.create()
    assert small.blobs == 1
    assert last.blobs > 20
    await place.prune()
    await place.check()
    octets = sum(map(len, place.archive.rooms[Room.PIECES].values()))
    assert octets < 1500, "not the others that were in its pack"


async def test_a_hold_that_lapsed_ends_the_backup(tmp_path: Path) -> None:
    house, clock = House(tmp_path), Watch()
    hold = Hold(MemoryLeaseStore(house.state), clock, "memory")
    await hold.renew()
    clock.wait(timedelta(seconds=30))
    await hold.renew()
    clock.wait(timedelta(seconds=61))
    with pytest.raises(TryLater, match="stopped for so long"):
        await hold.renew()


async def test_what_cannot_be_read_is_told_and_the_rest_is_kept(place: Place) -> None:
    await place.live()
    gone = place.held[3]
    octets = place.house.blobs.blobs.pop(gone)
    place.held.remove(gone)
    wanted = [*place.held, gone]
    state = State(1, wanted, place.clock.at)
    hold = Hold(MemoryLeaseStore(place.house.state), place.clock, "memory")
    pieces = Pieces(place.archive, SEALER, Jobs())
    creation = Creation(place.archive, pieces, SEALER, place.house.blobs, hold)
    made = await creation.run(state, encode_files({"a": b"b"}))
    assert made.unreadable == [gone.hex()]
    assert made.blobs == 6
    place.house.blobs.blobs[gone] = octets
    place.held.append(gone)
    place.clock.wait(timedelta(seconds=1))
    assert (await place.create()).unreadable == []


class Meddled(MemoryArchive):
    """Something else happens before each piece is stored."""

    def __init__(self, meddle: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._meddle = meddle

    async def put(self, room: Room, name: str, octets: bytes) -> None:
        await self._meddle()
        await super().put(room, name, octets)


async def test_upkeep_meanwhile_takes_nothing_from_it(place: Place) -> None:
    """Messages that are purged once the database was copied are in the backup all the same."""
    house, day = place.house, timedelta(days=1)
    leases, references = MemoryLeaseStore(house.state), MemoryReferenceStore(house.state)
    upkeep = Upkeep(references, house.blobs, leases, place.clock, Retention(day, day, day, day))
    place.clock.at = from_datetime(datetime.now(UTC))
    old = [blob(3 * 86_400_000 + n) for n in range(4)]
    house.blobs.blobs |= {one: b"octets %d" % n * 80 for n, one in enumerate(old)}
    place.held = list(old)
    house.state.garbage |= set(old)
    place.archive = Meddled(upkeep.run)
    made = await place.create()
    assert (made.blobs, made.unreadable) == (4, [])
    assert await place.check() == [made.backup_id]
    place.clock.wait(timedelta(minutes=2))
    assert (await upkeep.run())["collected"] == 4
    assert not house.blobs.blobs
