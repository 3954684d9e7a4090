"""Reading everything, and telling what is damaged, where, and which blobs it hits."""

from collections.abc import Generator, Iterator

from postroad.adapters.segments.catalogue import Own
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Index, SegmentState
from postroad.adapters.segments.record import Place
from postroad.adapters.segments.scan import Damaged, Found, Item, Torn, scan
from postroad.model.ids import BlobId
from postroad.stores.blobs import BlobFault

_SLICE_OCTETS = 16 * 1024**2
_ALL = 2**62


def scrub(folder: SegmentFolder, index: Index, own: Own) -> Generator[list[BlobFault], None, None]:
    """Faults in the order of the files; a step reads a few megaoctets and may find none."""
    states = index.segments()
    numbers = folder.segments()
    for number in sorted({*numbers, *states}):
        yield from _Segment(folder, index, own, number, states.get(number)).faults()


class _Segment:
    """`_known` has the indexed blobs of the segment that the scan has not come by yet."""

    def __init__(
        self,
        folder: SegmentFolder,
        index: Index,
        own: Own,
        number: int,
        state: SegmentState | None,
    ) -> None:
        self._folder = folder
        self._index = index
        self._number = number
        self._state = state
        self._own = own
        self._known: dict[int, tuple[BlobId, Place]] = {}

    def faults(self) -> Iterator[list[BlobFault]]:
        entries = self._index.in_segment(self._number, -1, _ALL)
        self._known = {place.offset: (blob, place) for blob, place in entries}
        end, is_growing = self._end()
        read_octets = 0
        found: list[BlobFault] = []
        what = "missing"
        try:
            with self._folder.reading(self._number) as read:
                salt = self._state.salt or None if self._state else None
                for item in scan(read, 0, end, salt, verify_from=0):
                    if not (isinstance(item, Torn) and is_growing):
                        found += self._judge(item, end)
                    if item.offset - read_octets >= _SLICE_OCTETS:
                        read_octets = item.offset
                        yield found
                        found = []
        except FileNotFoundError:
            pass
        except OSError as error:
            what = f"cannot be read: {error}"
            if not self._known:
                found.append(BlobFault(None, self._place(0), what))
        yield found + self._left(what)

    def _end(self) -> tuple[int, bool]:
        """Up to where there should be records, and whether more is being written."""
        size = self._folder.size(self._number)
        if self._state and self._state.sealed:
            return min(size, self._state.indexed_upto), False
        written = self._own().get(self._number)
        if written is not None:
            return written, True
        if not size or (lock := self._folder.try_lock(self._number)) is None:
            return size, True
        self._folder.files.close(lock)
        return size, False

    def _judge(self, item: Item, end: int) -> list[BlobFault]:
        match item:
            case Found(offset, header):
                known = self._known.get(offset)
                if known and known[0] == header.blob_id:
                    del self._known[offset]
                return []
            case Damaged(offset, stop, header):
                what = "the header is damaged" if header is None else "the blob is damaged"
            case Torn(offset, header):
                what, stop = "torn", end
        hit = [key for key in self._known if offset <= key < stop]
        faults = [BlobFault(self._known.pop(key)[0], self._place(key), what) for key in hit]
        if faults:
            return faults
        blob = header.blob_id if header else None
        return [BlobFault(blob, self._place(offset), f"{what}; no indexed blob is hit")]

    def _left(self, what: str) -> list[BlobFault]:
        """What the scan did not come by, unless it was moved or deleted meanwhile."""
        if not self._known:
            return []
        now = self._index.find([blob for blob, _ in self._known.values()])
        return [
            BlobFault(blob, self._place(place.offset), what)
            for blob, place in self._known.values()
            if now.get(blob) == place
        ]

    def _place(self, offset: int) -> str:
        return f"{self._folder.path_of(self._number)} at {offset}"
