"""Trying whether a bucket does all that we ask of it."""

from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.naming import new_location
from postroad.adapters.s3.reading import FOLDER


async def examine(bucket: Bucket) -> str | None:
    """What is wrong, if anything is; nothing stays behind. Raises `Fault`."""
    name = f"check/{new_location(1).key}"
    await bucket.page(FOLDER, "")
    version = await bucket.create(name, b"first")
    try:
        return await _conditions(bucket, name, version)
    finally:
        await bucket.delete([name])


async def _conditions(bucket: Bucket, name: str, version: str) -> str | None:
    try:
        await bucket.create(name, b"twice")
        return "the service overwrites in spite of If-None-Match"
    except Fault as fault:
        if fault.kind is not Kind.CONFLICT:
            raise
    await bucket.replace(name, b"second", version)
    try:
        await bucket.replace(name, b"third", version)
        return "the service overwrites in spite of If-Match"
    except Fault as fault:
        if fault.kind is not Kind.CONFLICT:
            raise
    if bytes((await bucket.fetch(name, 1, 3)).octets) != b"ec":
        return "the service does not give the range that was asked for"
    return None
