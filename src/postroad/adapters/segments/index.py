"""Where each blob lies: an SQLite file that can be rebuilt from the segments at any time.

It is written with synchronous=NORMAL: a power cut may take its last transactions, never a part of
one, and what they held is read again from the segments, behind `indexed_upto`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from postroad.adapters.segments.record import HEADER_OCTETS, Place
from postroad.base.errors import LowSpace, MailError, TryLater
from postroad.model.ids import BlobId

Entry = tuple[BlobId, Place]

_VERSION = 1
_BUSY_MILLISECONDS = 2000
_SCHEMA = f"""
CREATE TABLE blob (
    blob_id BLOB PRIMARY KEY, segment INTEGER NOT NULL, place INTEGER NOT NULL,
    length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_by_place ON blob (segment, place);
CREATE TABLE segment (
    segment INTEGER PRIMARY KEY, salt BLOB NOT NULL, indexed_upto INTEGER NOT NULL,
    live_octets INTEGER NOT NULL, sealed INTEGER NOT NULL
) STRICT;
PRAGMA user_version = {_VERSION};
"""
# One statement per call, whatever the number of blobs: each step of a statement gives up the
# interpreter's lock and has to win it back from a busy loop.
_WANTED = "(SELECT unhex(value) FROM json_each(:ids))"
# A LEFT JOIN goes through its left side in order, so the answer need not repeat the ids.
_FIND = """
SELECT json_group_array(segment), json_group_array(place), json_group_array(length)
FROM json_each(:ids) AS wanted LEFT JOIN blob ON blob_id = unhex(wanted.value)
"""
_INSERT = """
INSERT INTO blob (blob_id, segment, place, length)
SELECT unhex(value ->> 0), :segment, value ->> 1, value ->> 2 FROM json_each(:entries)
"""
_UNCOUNT = f"""
UPDATE segment SET live_octets = live_octets - gone.octets FROM (
    SELECT segment AS number, sum(length + {HEADER_OCTETS}) AS octets
    FROM blob WHERE blob_id IN {_WANTED} GROUP BY segment
) AS gone WHERE segment.segment = gone.number
"""  # noqa: S608 (constants only)
_DELETE = f"DELETE FROM blob WHERE blob_id IN {_WANTED}"  # noqa: S608 (constants only)
_SEGMENT = """
INSERT INTO segment (segment, salt, indexed_upto, live_octets, sealed)
VALUES (:segment, :salt, :upto, :octets, :sealed)
ON CONFLICT (segment) DO UPDATE SET salt = :salt, indexed_upto = max(indexed_upto, :upto),
    live_octets = live_octets + :octets, sealed = max(sealed, :sealed)
"""
_MOVE = """
UPDATE blob SET segment = :target, place = moved.value ->> 1
FROM json_each(:entries) AS moved
WHERE blob.blob_id = unhex(moved.value ->> 0) AND +blob.segment = :source
"""
_RECOUNT = f"""
UPDATE segment SET live_octets = (
    SELECT coalesce(sum(length + {HEADER_OCTETS}), 0) FROM blob WHERE blob.segment = :segment
) WHERE segment = :segment
"""  # noqa: S608 (constants only)
_IN_SEGMENT = """
SELECT json_group_array(json_array(hex(blob_id), segment, place, length)) FROM (
    SELECT * FROM blob WHERE segment = :segment AND place > :after ORDER BY place LIMIT :limit
)
"""


@dataclass(frozen=True, slots=True)
class SegmentState:
    salt: bytes
    indexed_upto: int
    live_octets: int
    sealed: bool
    """Read to its end, and nobody appends to it any more."""


class Index:
    """One connection, for one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, blobs: Sequence[BlobId]) -> dict[BlobId, Place]:
        """The places of those that are known."""
        with _translated():
            row = self._connection.execute(_FIND, {"ids": _hex(blobs)}).fetchall()[0]
        segments, *columns = (json.loads(str(column)) for column in row)
        places = dict(zip(blobs, map(Place, segments, *columns), strict=True))
        if None in segments:
            places = {blob: place for blob, place in places.items() if place.segment is not None}
        return places

    def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        sql = "SELECT blob_id FROM blob WHERE blob_id > ? ORDER BY blob_id LIMIT ?"
        with _translated():
            return [BlobId(row[0]) for row in self._connection.execute(sql, (after, limit))]

    def segments(self) -> dict[int, SegmentState]:
        sql = "SELECT segment, salt, indexed_upto, live_octets, sealed FROM segment"
        with _translated():
            return {
                number: SegmentState(salt, upto, live, bool(sealed))
                for number, salt, upto, live, sealed in self._connection.execute(sql)
            }

    def in_segment(self, segment: int, after: int, limit: int) -> list[Entry]:
        """Blobs that begin behind an offset of a segment, in order."""
        bound = {"segment": segment, "after": after, "limit": limit}
        with _translated():
            found = _entries(self._connection.execute(_IN_SEGMENT, bound))
        return sorted(found, key=lambda entry: entry[1].offset)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Keep the changes made in the block together; `durable` ones survive a power cut."""
        with _translated():
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if not self._connection.get_autocommit():
                    self._connection.execute("ROLLBACK")
                raise

    def add(
        self, segment: int, salt: bytes, entries: Sequence[Entry], upto: int, *, sealed: bool
    ) -> None:
        """Blobs of a segment that is now known up to an offset."""
        self.forget([blob for blob, _ in entries])
        rows = {"segment": segment, "entries": _rows(entries)}
        self._connection.execute(_INSERT, rows)
        octets = sum(place.record_octets for _, place in entries)
        state = {"segment": segment, "salt": salt, "upto": upto, "octets": octets}
        self._connection.execute(_SEGMENT, state | {"sealed": sealed})

    def forget(self, blobs: Sequence[BlobId]) -> None:
        bound = {"ids": _hex(blobs)}
        self._connection.execute(_UNCOUNT, bound)
        self._connection.execute(_DELETE, bound)

    def move(self, source: int, target: int, entries: Sequence[Entry]) -> None:
        """New places in another segment for those blobs that are still in the source."""
        rows = {"source": source, "target": target, "entries": _rows(entries)}
        self._connection.execute(_MOVE, rows)
        for segment in (source, target):
            self._connection.execute(_RECOUNT, {"segment": segment})

    def forget_segment(self, segment: int) -> None:
        self._connection.execute("DELETE FROM segment WHERE segment = ?", (segment,))

    def is_sound(self) -> bool:
        """Reads the whole file."""
        try:
            version = self._connection.pragma("user_version")
            found = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        except apsw.Error:
            return False
        return version == _VERSION and found == [("ok",)]

    def close(self) -> None:
        # A disk that fails now takes nothing that the segments do not have.
        with suppress(apsw.Error):
            self._connection.close()


def open_index(path: Path, vfs: str | None = None) -> Index:
    """To read and write; made when it is missing. Raises `apsw.Error` for a damaged one."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
    try:
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        connection.pragma("journal_mode", "wal")
        _make(connection)
    except BaseException:
        Index(connection).close()
        raise
    return Index(connection)


def open_index_to_read(path: Path) -> Index:
    """Changes nothing; an empty one where the file is missing or cannot be read."""
    # While a server runs there is a -wal; without one SQLite would make it.
    is_in_use = path.with_name(path.name + "-wal").exists()
    uri = path.absolute().as_uri() + ("?mode=ro" if is_in_use else "?mode=ro&immutable=1")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        connection = apsw.Connection(uri, flags=flags)
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        index = Index(connection)
        if index.is_sound():
            return index
        index.close()
    except apsw.Error:
        pass
    empty = apsw.Connection(":memory:")
    _make(empty)
    return Index(empty)


def remove_index(path: Path) -> None:
    for tail in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def _make(connection: apsw.Connection) -> None:
    if connection.pragma("user_version") == 0:
        connection.execute("BEGIN IMMEDIATE")
        if connection.pragma("user_version") == 0:
            connection.execute(_SCHEMA)
        connection.execute("COMMIT")


def _hex(blobs: Sequence[BlobId]) -> str:
    return json.dumps([blob.hex() for blob in blobs])


def _rows(entries: Sequence[Entry]) -> str:
    return json.dumps([(blob.hex(), place.offset, place.length) for blob, place in entries])


def _entries(cursor: apsw.Cursor) -> list[Entry]:
    rows = json.loads(str(cursor.fetchall()[0][0]))
    return [
        (BlobId(bytes.fromhex(blob)), Place(segment, offset, length))
        for blob, segment, offset, length in rows
    ]


@contextmanager
def _translated() -> Iterator[None]:
    """The driver's errors in the words of the domain."""
    try:
        yield
    except apsw.Error as error:
        kind: type[MailError] = LowSpace if isinstance(error, apsw.FullError) else TryLater
        raise kind(f"the index of blobs: {error}") from error
