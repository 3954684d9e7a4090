"""GETQUOTA and GETQUOTAROOT (RFC 9208): one root for the account, and only if it has a limit.

Limits are set by administrators, not by IMAP: there is no SETQUOTA.
"""

from postroad.model.ids import MailboxName
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.wire.imap.mailbox_commands import parse_mailbox
from postroad.wire.imap.quota import Quota, QuotaRoots, parse_quota_root_name
from postroad.wire.imap.responses import Condition

ROOT = b""
_UNIT = 1024  # octets (RFC 9208 section 5.1)


async def _quota(context: Context) -> Quota | None:
    used, limit = await context.mailboxes.quota(context.account)
    if limit is None:
        return None
    return Quota(ROOT, {b"STORAGE": (-(-used // _UNIT), limit // _UNIT)})


async def get_quota(context: Context, command: bytes) -> Replies:
    found = await _quota(context) if command == ROOT else None
    if found is None:
        yield Done("There is no such quota root", b"NONEXISTENT", Condition.NO)
        return
    yield found
    yield Done("That is your quota")


async def get_quota_root(context: Context, command: str) -> Replies:
    """The mailbox need not be there (RFC 9208 section 4.1.2)."""
    # What others have left is their affair: their mailboxes show no root here.
    is_foreign = context.reach.is_foreign(MailboxName(command))
    found = None if is_foreign else await _quota(context)
    yield QuotaRoots(command, [] if found is None else [ROOT], context.utf8)
    if found is not None:
        yield found
    yield Done("That is your quota")


GETQUOTA = Feature(
    b"GETQUOTA",
    AFTER_LOGIN,
    parse_quota_root_name,
    get_quota,
    always(b"QUOTA", b"QUOTA=RES-STORAGE"),
)
GETQUOTAROOT = Feature(b"GETQUOTAROOT", AFTER_LOGIN, parse_mailbox, get_quota_root)
