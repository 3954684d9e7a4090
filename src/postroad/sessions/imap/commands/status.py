"""STATUS (RFC 9051 section 6.3.11)."""

from postroad.model.ids import MailboxName
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Extension,
    Feature,
    News,
    Replies,
)
from postroad.sessions.imap.mailboxes import status_of
from postroad.wire.imap.mailbox_responses import MailboxStatus
from postroad.wire.imap.status import StatusItem, StatusQuery, parse_status


def capabilities(context: Context) -> tuple[bytes, ...]:
    return b"STATUS=SIZE", b"APPENDLIMIT=%d" % context.settings.max_append_octets


async def handle(context: Context, command: StatusQuery) -> Replies:
    if StatusItem.HIGHESTMODSEQ in command.items:
        context.enable(Extension.CONDSTORE)  # RFC 7162 section 3.1
    place = await context.reach.find(context.viewer, MailboxName(command.mailbox))
    values = await status_of(context, place, command.items)
    yield MailboxStatus(command.mailbox, values, context.utf8)


FEATURE = Feature(b"STATUS", AFTER_LOGIN, parse_status, handle, capabilities, news=News.ALL)
