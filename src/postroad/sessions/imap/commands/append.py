"""APPEND (RFC 9051 section 6.3.12, RFC 3502, RFC 7889), whose messages are streamed."""

from postroad.base.errors import Invalid, TooLarge
from postroad.base.moments import Moment
from postroad.model.ids import MailboxName
from postroad.model.mailbox import Flags
from postroad.sessions.imap import flags
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    Replies,
    Stream,
)
from postroad.sessions.imap.needs import IncomingMessages
from postroad.wire.imap.append import Append, AppendMessage, parse_append
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition
from postroad.wire.imap.sequence import encode_in_order


def capabilities(context: Context) -> tuple[bytes, ...]:
    literal = b"LITERAL-" if context.settings.literal_minus else b"LITERAL+"
    return literal, b"MULTIAPPEND"


async def begin(context: Context, cursor: Cursor) -> Stream:
    """Refuse before the octets are sent what can be refused (RFC 9051 section 4.3)."""
    command = _announced(context, cursor)
    messages = await context.services.appending.open(
        context.account, MailboxName(command.mailbox), command.messages[-1].literal.size
    )
    return AppendStream(context, messages)


def _announced(context: Context, cursor: Cursor) -> Append:
    """The command up to a message that is still to come, and may."""
    command = parse_append(cursor, whole=False)
    message = command.messages[-1]
    if message.utf8 and not context.utf8:
        raise cursor.wrong("UTF8 only after ENABLE UTF8=ACCEPT")  # RFC 6855 section 4
    limit = context.settings.max_append_octets
    if message.literal.size > limit:
        raise TooLarge(f"a message has at most {limit} octets")
    return command


class AppendStream:
    def __init__(self, context: Context, messages: IncomingMessages) -> None:
        self._context = context
        self._messages = messages

    async def write(self, chunk: bytes) -> None:
        await self._messages.write(chunk)

    async def next(self, cursor: Cursor) -> None:
        command = _announced(self._context, cursor)
        done, following = command.messages[-2:]
        _refuse_empty(done)
        await self._messages.next(*_stored(done), following.literal.size)

    async def finish(self, cursor: Cursor) -> Replies:
        message = parse_append(cursor).messages[-1]
        _refuse_empty(message)
        done = await self._messages.finish(*_stored(message))
        uids = encode_in_order(done.uids)
        yield Done("Appended", b"APPENDUID %d %b" % (done.uid_validity, uids))

    def close(self) -> None:
        self._messages.close()


def _refuse_empty(message: AppendMessage) -> None:
    """RFC 3502: an empty message cancels the command."""
    if not message.literal.size:
        raise Invalid("A message is not empty")


def _stored(message: AppendMessage) -> tuple[Flags, frozenset[str], Moment | None]:
    date = None if message.internal_date is None else Moment(message.internal_date)
    return *flags.stored(message.flags), date


def parse(cursor: Cursor) -> Append:
    """An APPEND that reaches this had no message: its literal would have been streamed."""
    parse_append(cursor)
    raise cursor.wrong("a message")


async def handle(context: Context, command: Append) -> Replies:
    yield Done("There was no message", condition=Condition.BAD)


FEATURE = Feature(b"APPEND", AFTER_LOGIN, parse, handle, capabilities, begin=begin)
