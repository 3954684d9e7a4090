"""APPEND (RFC 9051 section 6.3.12, RFC 7889), whose message is streamed."""

from postroad.base.errors import TooLarge
from postroad.base.moments import Moment
from postroad.model.ids import MailboxName
from postroad.sessions.imap import flags
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    Replies,
    Stream,
)
from postroad.sessions.imap.needs import IncomingMessage
from postroad.wire.imap.append import Append, parse_append, parse_append_end
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition
from postroad.wire.imap.sequence import encode_in_order


def capabilities(context: Context) -> tuple[bytes, ...]:
    return (b"LITERAL-" if context.settings.literal_minus else b"LITERAL+",)


async def begin(context: Context, cursor: Cursor) -> Stream:
    """Refuse before the octets are sent what can be refused (RFC 9051 section 4.3)."""
    command = parse_append(cursor)
    if command.utf8 and not context.utf8:
        raise cursor.wrong("UTF8 only after ENABLE UTF8=ACCEPT")  # RFC 6855 section 4
    limit = context.settings.max_append_octets
    if command.message.size > limit:
        raise TooLarge(f"a message has at most {limit} octets")
    message = await context.services.appending.open(
        context.account, MailboxName(command.mailbox), command.message.size
    )
    return AppendStream(message)


class AppendStream:
    def __init__(self, message: IncomingMessage) -> None:
        self._message = message

    async def write(self, chunk: bytes) -> None:
        await self._message.write(chunk)

    async def finish(self, cursor: Cursor) -> Replies:
        command = parse_append(cursor)
        parse_append_end(cursor, command)
        if not command.message.size:
            yield Done("A message is not empty", b"CANNOT", Condition.NO)
            return
        date = None if command.internal_date is None else Moment(command.internal_date)
        done = await self._message.finish(*flags.stored(command.flags), date)
        uids = encode_in_order(done.uids)
        yield Done("Appended", b"APPENDUID %d %b" % (done.uid_validity, uids))

    def close(self) -> None:
        self._message.close()


def parse(cursor: Cursor) -> Append:
    """An APPEND that reaches this had no message: its literal would have been streamed."""
    parse_append(cursor)
    raise cursor.wrong("a message")


async def handle(context: Context, command: Append) -> Replies:
    yield Done("There was no message", condition=Condition.BAD)


FEATURE = Feature(b"APPEND", AFTER_LOGIN, parse, handle, capabilities, begin=begin)
