"""STARTTLS (RFC 9051 section 6.2.1)."""

from postroad.sessions.imap.feature import (
    BEFORE_LOGIN,
    Context,
    Done,
    Feature,
    Next,
    Replies,
    no_arguments,
)
from postroad.wire.imap.responses import Condition


def capabilities(context: Context) -> tuple[bytes, ...]:
    is_offered = context.can_start_tls and not context.has_tls and context.principal is None
    return (b"STARTTLS",) if is_offered else ()


async def handle(context: Context, command: None) -> Replies:
    if context.has_tls or not context.can_start_tls:
        yield Done("TLS cannot be started here", condition=Condition.BAD)
        return
    context.next = Next.START_TLS
    yield Done("Begin TLS negotiation now")


FEATURE = Feature(b"STARTTLS", BEFORE_LOGIN, no_arguments, handle, capabilities)
