"""CAPABILITY (RFC 9051 section 6.1.1)."""

from postroad.sessions.imap.feature import (
    EVERYWHERE,
    Context,
    Feature,
    Replies,
    always,
    no_arguments,
)
from postroad.wire.imap.responses import Capability


async def handle(context: Context, command: None) -> Replies:
    yield Capability(context.capabilities(context))


FEATURE = Feature(
    b"CAPABILITY", EVERYWHERE, no_arguments, handle, always(b"IMAP4rev2", b"IMAP4rev1")
)
