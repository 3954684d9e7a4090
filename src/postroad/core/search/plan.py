"""What of a message is read to search it, from its part table: ranges of its octets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from postroad.formats.mime import text
from postroad.formats.mime.headers import HEADER_LIMIT
from postroad.formats.mime.parttable import PartRow, decode
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

# The types that RFC 9051 section 6.4.4 wants searched; a report of a delivery is a "message" too.
_TEXTS = "text", "message"


@dataclass(frozen=True, slots=True)
class Piece:
    """A header block (`part` None), or the body of a text part."""

    start: int
    end: int
    part: PartRow | None = None

    def text(self, octets: bytes) -> str:
        """The decoded text of the piece's octets."""
        if self.part is None:
            return text.header_text(octets)
        moved = msgspec.structs.replace(
            self.part, header_start=0, body_start=0, body_end=len(octets)
        )
        return text.part_text(octets, moved, max_chars=max(len(octets), 1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked at."""

    header: bool
    body_octets: int  # at most, as transferred; 0 for none of the body


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read of one message. `key` is its UID, or its email id."""

    key: int
    blob_id: BlobId
    header: Piece | None
    body: tuple[Piece, ...]
    names: tuple[str, ...]  # of attached files, which count as text of the body
    is_whole: bool  # False: the message has more text

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.body if self.header is None else (self.header, *self.body)

    @property
    def octets(self) -> int:
        return sum(piece.end - piece.start for piece in self.pieces)

    def ranges(self) -> list[BlobRange]:
        return [BlobRange(self.blob_id, piece.start, piece.end) for piece in self.pieces]


@dataclass(frozen=True, slots=True)
class Message:
    """A plan with the octets of its pieces."""

    plan: Plan
    octets: Sequence[bytes]

    def header(self) -> bytes:
        """The header block as it stands; empty if it was not wanted."""
        return b"" if self.plan.header is None else self.octets[0]

    def header_text(self) -> str:
        return text.header_text(self.header())

    def body_texts(self) -> Iterator[str]:
        """Names of files, then the texts in their order, each made when it is its turn."""
        yield from self.plan.names
        first = 0 if self.plan.header is None else 1
        for piece, octets in zip(self.plan.body, self.octets[first:], strict=True):
            yield piece.text(octets)


def make_plan(key: int, blob_id: BlobId, part_table: bytes, wanted: Wanted) -> Plan:
    root = decode(part_table)
    header = Piece(root.header_start, min(root.body_start, root.header_start + HEADER_LIMIT))
    body, names, is_whole = (
        _body(root, wanted.body_octets) if wanted.body_octets else ([], [], True)
    )
    return Plan(
        key, blob_id, header if wanted.header else None, tuple(body), tuple(names), is_whole
    )


def batches(plans: Sequence[Plan], max_octets: int, max_count: int) -> Iterator[list[Plan]]:
    """Plans in their order, so many together as stay below both limits, but one at least."""
    batch: list[Plan] = []
    octets = 0
    for plan in plans:
        size = plan.octets
        if batch and (octets + size > max_octets or len(batch) >= max_count):
            yield batch
            batch, octets = [], 0
        batch.append(plan)
        octets += size
    if batch:
        yield batch


def _body(root: PartRow, max_octets: int) -> tuple[list[Piece], list[str], bool]:
    """All texts, attached ones too, and the headers of inner messages."""
    pieces: list[Piece] = []
    names: list[str] = []
    left = max_octets
    waiting = [root]
    while waiting:
        part = waiting.pop()
        waiting.extend(reversed(part.children))
        if part.filename:
            names.append(part.filename)
        found = _piece(part)
        if found is not None:
            octets = min(found.end - found.start, max(left, 0))
            left -= found.end - found.start
            pieces.append(Piece(found.start, found.start + octets, found.part))
    return pieces, names, left >= 0


def _piece(part: PartRow) -> Piece | None:
    if part.is_message:
        inner = part.children[0]
        return Piece(inner.header_start, min(inner.body_start, inner.header_start + HEADER_LIMIT))
    if part.media_type in _TEXTS and not part.children:
        return Piece(part.body_start, part.body_end, part)
    return None
