"""NAMESPACE (RFC 9051 section 6.3.10): what is one's own has no prefix."""

from postroad.core.mailbox.reach import OTHER_USERS, SHARED
from postroad.core.mailbox.service import DELIMITER
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
    yield Namespace(OTHER_USERS + DELIMITER, SHARED + DELIMITER)


FEATURE = Feature(b"NAMESPACE", AFTER_LOGIN, no_arguments, handle, always(b"NAMESPACE"))
