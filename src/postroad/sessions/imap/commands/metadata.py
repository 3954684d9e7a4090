"""GETMETADATA and SETMETADATA (RFC 5464)."""

from collections.abc import Mapping

from postroad.base.errors import TooLarge, TooMany
from postroad.model.ids import MailboxName
from postroad.sessions.imap.errors import words_of
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.sessions.imap.filters import check_filters
from postroad.wire.imap.metadata import (
    GetMetadata,
    Metadata,
    SetMetadata,
    parse_get_metadata,
    parse_set_metadata,
)
from postroad.wire.imap.responses import Condition


async def get_metadata(context: Context, command: GetMetadata) -> Replies:
    service = context.services.annotations
    if command.mailbox:
        there = await service.of_mailbox(context.viewer, MailboxName(command.mailbox))
    else:
        there = await service.of_server(context.viewer)
    found, longest = _wanted(there, command)
    if found:
        yield Metadata(command.mailbox, found, context.utf8)
    if longest:
        yield Done("Some are longer than that", b"METADATA LONGENTRIES %d" % longest)


def _wanted(
    there: Mapping[str, bytes], command: GetMetadata
) -> tuple[dict[str, bytes | None], int]:
    """What is told, NIL for what is not there, and the longest value that is too long."""
    limit = command.max_size
    found: dict[str, bytes | None] = {}
    longest = 0
    for name in (name for name in there if command.wants(name)):
        value = there[name]
        if limit is None or len(value) <= limit:
            found[name] = value
        else:
            longest = max(longest, len(value))
    if command.depth == 0:
        found.update({name: None for name in command.entries if name not in there})
    return found, longest


async def set_metadata(context: Context, command: SetMetadata) -> Replies:
    service = context.services.annotations
    try:
        if command.mailbox:
            name = MailboxName(command.mailbox)
            marks = await service.annotate_mailbox(context.viewer, name, command.values)
        else:
            check_filters(command.values)
            marks = await service.annotate_server(context.viewer, command.values)
    except TooLarge as error:
        code = b"METADATA MAXSIZE %d" % service.limits.value_octets
        yield Done(words_of(error), code, Condition.NO)
        return
    except TooMany as error:
        yield Done(words_of(error), b"METADATA TOOMANY", Condition.NO)
        return
    context.annotating.made(marks)


GETMETADATA = Feature(
    b"GETMETADATA", AFTER_LOGIN, parse_get_metadata, get_metadata, always(b"METADATA")
)
SETMETADATA = Feature(b"SETMETADATA", AFTER_LOGIN, parse_set_metadata, set_metadata)
