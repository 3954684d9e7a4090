"""COMPRESS DEFLATE (RFC 4978); the driver of the session does what is agreed here."""

from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Next, Replies
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition


def parse(cursor: Cursor) -> None:
    cursor.sp()
    cursor.expect(b"DEFLATE")
    cursor.end()


def capabilities(context: Context) -> tuple[bytes, ...]:
    return () if context.compresses else (b"COMPRESS=DEFLATE",)


async def handle(context: Context, command: None) -> Replies:
    if context.compresses:
        yield Done("DEFLATE is active already", b"COMPRESSIONACTIVE", Condition.BAD)
        return
    context.next = Next.START_COMPRESSION
    yield Done("DEFLATE active")


FEATURE = Feature(b"COMPRESS", AFTER_LOGIN, parse, handle, capabilities)
