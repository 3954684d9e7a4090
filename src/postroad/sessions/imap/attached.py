"""What X-GM keys ask of a row."""

from collections.abc import Iterator

from postroad.core.search.folding import fold
from postroad.formats.mime.parttable import PartRow, decode
from postroad.model.sharing import Place

_OWNER_BITS = 40  # numbers of one account's emails and threads stay below


def number_offset(place: Place) -> int:
    """What keeps numbers apart that are unique within an account only."""
    return place.owner << _OWNER_BITS if place.spot.is_foreign else 0


def has_attachment(part_table: bytes, wanted: str) -> bool:
    """Whether a file is attached whose name contains `wanted`, which is folded."""
    return any(
        wanted in fold(part.filename or "")
        for part in _leaves(decode(part_table))
        if _is_attached(part)
    )


def _is_attached(part: PartRow) -> bool:
    """It says so, it has a name, or it is nothing that is shown with the text."""
    if part.filename or part.disposition == "attachment":
        return True
    is_shown = part.disposition == "inline" or part.content_id is not None
    return not is_shown and part.media_type not in ("text", "multipart", "message")


def _leaves(root: PartRow) -> Iterator[PartRow]:
    """All parts but multiparts; also those of messages in the message."""
    stack = [root]
    while stack:
        part = stack.pop()
        stack += part.children
        if not part.is_multipart:
            yield part
