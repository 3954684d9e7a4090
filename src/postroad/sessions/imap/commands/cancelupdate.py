"""CANCELUPDATE (RFC 5267 section 4.3.5)."""

from postroad.sessions.imap.feature import ONLY_SELECTED, Context, Done, Feature, Replies
from postroad.wire.imap.cursor import Cursor

_MAX_TAGS = 100


def parse(cursor: Cursor) -> tuple[bytes, ...]:
    tags: list[bytes] = []
    while not tags or not cursor.at_end():
        cursor.sp()
        tags.append(cursor.quoted())
        if len(tags) > _MAX_TAGS:
            raise cursor.wrong(f"at most {_MAX_TAGS} tags")
    return tuple(tags)


async def handle(context: Context, command: tuple[bytes, ...]) -> Replies:
    """A tag that names nothing is no error: what it named may have ended by itself."""
    for tag in command:
        context.selected.updates.pop(tag, None)
    yield Done("No more is said of that")


FEATURE = Feature(b"CANCELUPDATE", ONLY_SELECTED, parse, handle)
