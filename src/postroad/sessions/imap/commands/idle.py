"""IDLE (RFC 9051 section 6.3.13).

The handler ends at once: while the command waits for DONE, the driver hears of changes and
asks the session for its `news`.
"""

from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    Pending,
    Replies,
    always,
    no_arguments,
)
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.responses import Continue


async def handle(context: Context, command: None) -> Replies:
    context.pending = Pending(_done, idles=True)
    yield Continue("idling")


async def _done(line: bytes) -> Replies:
    if line.upper() != b"DONE":
        raise BadSyntax("DONE", 0)
    yield Done("That was a rest")


FEATURE = Feature(b"IDLE", AFTER_LOGIN, no_arguments, handle, always(b"IDLE"))
