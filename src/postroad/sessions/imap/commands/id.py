"""ID (RFC 2971)."""

from postroad.sessions.imap.feature import EVERYWHERE, Context, Feature, Replies, always
from postroad.wire.imap.mailbox_commands import parse_id
from postroad.wire.imap.responses import Id


async def handle(context: Context, command: dict[str, str]) -> Replies:
    # Security: no version, and nothing about the machine.
    yield Id((("name", "Postroad"),))


FEATURE = Feature(b"ID", EVERYWHERE, parse_id, handle, always(b"ID"))
