"""APPEND (RFC 9051 section 6.3.12, RFC 3502, RFC 4469, RFC 7889), whose messages are streamed."""

from contextlib import closing

from postroad.model.mailbox import Appended
from postroad.sessions.imap.appending import Assembly, check
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    Replies,
    Stream,
)
from postroad.wire.imap.append import Append, AppendReader, parse_append
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.sequence import encode_in_order


def capabilities(context: Context) -> tuple[bytes, ...]:
    literal = b"LITERAL-" if context.settings.literal_minus else b"LITERAL+"
    return literal, b"MULTIAPPEND", b"CATENATE"


async def begin(context: Context, cursor: Cursor) -> Stream:
    reader = AppendReader()
    command = reader.read(cursor, whole=False)
    check(context, cursor, command)
    return AppendStream(context, reader, await Assembly.begin(context, command))


class AppendStream:
    def __init__(self, context: Context, reader: AppendReader, assembly: Assembly) -> None:
        self._context = context
        self._reader = reader
        self._assembly = assembly

    async def write(self, chunk: bytes) -> None:
        await self._assembly.write(chunk)

    async def next(self, cursor: Cursor) -> None:
        command = self._reader.read(cursor, whole=False)
        check(self._context, cursor, command)
        await self._assembly.go_on(command)

    async def finish(self, cursor: Cursor) -> Replies:
        done = await self._assembly.finish(self._reader.read(cursor, whole=True))
        yield Done("Appended", append_uid(done))

    def close(self) -> None:
        self._assembly.close()


def append_uid(done: Appended) -> bytes:
    """RFC 4315 section 3, in the order in which the messages were given."""
    return b"APPENDUID %d %b" % (done.uid_validity, encode_in_order(done.uids))


async def handle(context: Context, command: Append) -> Replies:
    """An APPEND that reaches this has no literal: it is made of URLs."""
    with closing(await Assembly.begin(context, command)) as assembly:
        done = await assembly.finish(command)
    yield Done("Appended", append_uid(done))


FEATURE = Feature(b"APPEND", AFTER_LOGIN, parse_append, handle, capabilities, begin=begin)
