"""Making objects: under a name that nobody else has."""

from collections.abc import Sequence

from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.layout import checksum_of, encode_head
from postroad.adapters.s3.naming import Location, new_location
from postroad.adapters.s3.reading import FOLDER
from postroad.stores.blobs import Piece

_NAMES = 5  # tried, where the first is taken


async def create_object(
    bucket: Bucket, cache: Cache | None, blobs: Sequence[Sequence[Piece]]
) -> Location:
    """One object with all the blobs; durable when it returns. Raises `Fault`.

    They are copied before the first wait, so their memory is free if the caller gives up.
    """
    head = encode_head(
        [
            (number, sum(map(len, pieces)), checksum_of(pieces))
            for number, pieces in enumerate(blobs)
        ]
    )
    body = b"".join([head, *(piece for pieces in blobs for piece in pieces)])
    for _ in range(_NAMES):
        location = new_location(len(blobs))
        name = f"{FOLDER}/{location.key}"
        try:
            await bucket.create(name, body)
        except Fault as fault:
            if fault.kind is not Kind.CONFLICT:
                raise
            # An attempt that seemed to fail may have stored it.
            if (await bucket.fetch(name, 0, len(head))).octets != head:
                continue
        if cache is not None:
            cache.store(location.key, body)
        return location
    raise Fault(Kind.FAILED, "every new name is taken")
