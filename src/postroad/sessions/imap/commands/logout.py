"""LOGOUT (RFC 9051 section 6.1.3)."""

from postroad.sessions.imap.feature import (
    EVERYWHERE,
    Context,
    Feature,
    News,
    Next,
    Replies,
    no_arguments,
)
from postroad.wire.imap.responses import Condition, Status


async def handle(context: Context, command: None) -> Replies:
    context.next = Next.CLOSE
    yield Status(Condition.BYE, "Until next time")


FEATURE = Feature(b"LOGOUT", EVERYWHERE, no_arguments, handle, news=News.NONE)
