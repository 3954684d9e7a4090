"""NAMESPACE (RFC 9051 section 6.3.10): what is one's own has no prefix.

With what people call the others in the language of the session (RFC 5255 section 3.4).
"""

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
    yield namespaces(context)


def namespaces(context: Context) -> Namespace:
    language = context.language
    translated = [name + DELIMITER for name in (language.other_users, language.shared) if name]
    return Namespace(OTHER_USERS + DELIMITER, SHARED + DELIMITER, translations=tuple(translated))


FEATURE = Feature(b"NAMESPACE", AFTER_LOGIN, no_arguments, handle, always(b"NAMESPACE"))
