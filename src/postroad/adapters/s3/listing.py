"""All ids, in their order: from the keys of the objects and the marks of the dead."""

from postroad.adapters.s3.bucket import Bucket, Listed
from postroad.adapters.s3.forgetting import DEAD, Graveyard
from postroad.adapters.s3.gathering import together
from postroad.adapters.s3.naming import KEY_LETTERS, Location, locate, located
from postroad.adapters.s3.reading import FOLDER
from postroad.model.ids import BlobId


async def ids(bucket: Bucket, graveyard: Graveyard, after: BlobId, limit: int) -> list[BlobId]:
    """Raises `Fault`."""
    found: list[BlobId] = []
    last = before(locate(after).key) if after else ""
    while len(found) < limit and (page := await bucket.page(FOLDER, last)):
        dead = await _dead(bucket, graveyard, last, page[-1].name)
        for location in filter(None, map(named, page)):
            gone = dead.get(location.key, frozenset())
            blobs = [b for n, b in enumerate(location.blob_ids()) if n not in gone and b > after]
            found += blobs
        last = page[-1].name
    return found[:limit]


async def _dead(
    bucket: Bucket, graveyard: Graveyard, after: str, last: str
) -> dict[str, frozenset[int]]:
    """What is dead of the objects behind `after` and up to `last`."""
    keys: list[str] = []
    async for one in bucket.walk(DEAD, after):
        if one.name > last:
            break
        keys.append(one.name)
    return dict(zip(keys, await together(graveyard.dead, keys), strict=True))


def named(one: Listed) -> Location | None:
    """What an object's name says; None for a strange one."""
    try:
        location = located(one.name)
    except ValueError:
        return None
    return location if location.key == one.name else None


def before(key: str) -> str:
    """The greatest key that is less."""
    return f"{max(int(key, 16) - 1, 0):0{KEY_LETTERS}x}"
