"""NAMESPACE (RFC 9051 section 6.3.10): one personal namespace without a prefix."""

from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Feature,
    Replies,
    always,
    no_arguments,
)
from postroad.wire.imap.responses import Namespace


async def handle(context: Context, command: None) -> Replies:
    yield Namespace()


FEATURE = Feature(b"NAMESPACE", AFTER_LOGIN, no_arguments, handle, always(b"NAMESPACE"))
