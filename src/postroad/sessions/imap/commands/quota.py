"""GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208).

Each account has one quota root. Its own is ``""``; to owners and admins of the tenant that of
another account is its address.
"""

from postroad.base.errors import Invalid
from postroad.base.phrases import phrase
from postroad.model.ids import MailboxName
from postroad.model.quota import MAX_MAILBOXES, Quota, QuotaLimits
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Feature, Replies, always
from postroad.wire.imap import quota as wire
from postroad.wire.imap.mailbox_commands import parse_mailbox
from postroad.wire.imap.responses import Response

OWN = b""
STORAGE, MESSAGE, MAILBOX = b"STORAGE", b"MESSAGE", b"MAILBOX"
_UNIT = 1024  # octets (RFC 9208 section 5.1)
_MAX = 2**53  # of each: enough for anybody, and exact everywhere


async def get_quota(context: Context, command: bytes) -> Replies:
    if command == OWN:
        found = await context.services.quotas.own(context.account)
    else:
        found = await context.services.quotas.of(context.viewer, _address(command))
    yield _told(command, found)


async def get_quota_root(context: Context, command: str) -> Replies:
    """The mailbox need not be there (RFC 9208 section 4.1.2)."""
    # What others have left is their affair: their mailboxes show no root here.
    if context.reach.is_foreign(MailboxName(command)):
        yield wire.QuotaRoots(command, [], context.utf8)
        return
    yield wire.QuotaRoots(command, [OWN], context.utf8)
    yield _told(OWN, await context.services.quotas.own(context.account))


async def set_quota(context: Context, command: wire.SetQuota) -> Replies:
    address = None if command.root == OWN else _address(command.root)
    limits = _limits(command)
    yield _told(
        command.root, await context.services.quotas.change(context.viewer, address, limits)
    )


def _address(root: bytes) -> str:
    return root.decode(errors="replace")  # what is no UTF-8 is nobody's address


def _limits(command: wire.SetQuota) -> QuotaLimits:
    """Raises `Invalid`: a resource that is not limited here would be a promise not kept."""
    for name, limit in command.limits.items():
        if name not in (STORAGE, MESSAGE, MAILBOX):
            raise Invalid(phrase("there is no limit on {name} here", name=name.decode()))
        if limit > _MAX // _UNIT:
            raise Invalid(
                phrase(
                    "a limit on {name} is at most {most}", name=name.decode(), most=_MAX // _UNIT
                )
            )
    storage = command.limits.get(STORAGE)
    return QuotaLimits(
        None if storage is None else storage * _UNIT,
        command.limits.get(MESSAGE),
        command.limits.get(MAILBOX),
    )


def _told(root: bytes, quota: Quota) -> Response:
    """The limits there are; one on mailboxes holds for every account (RFC 9208 section 3.2)."""
    used, limits = quota.used, quota.limits
    resources: dict[bytes, tuple[int, int]] = {}
    if limits.octets is not None:
        resources[STORAGE] = -(-used.octets // _UNIT), limits.octets // _UNIT
    if limits.messages is not None:
        resources[MESSAGE] = used.messages, limits.messages
    most = MAX_MAILBOXES if limits.mailboxes is None else min(limits.mailboxes, MAX_MAILBOXES)
    resources[MAILBOX] = used.mailboxes, most
    return wire.Quota(root, resources)


GETQUOTA = Feature(
    b"GETQUOTA",
    AFTER_LOGIN,
    wire.parse_quota_root_name,
    get_quota,
    always(b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE", b"QUOTA=RES-MAILBOX"),
)
GETQUOTAROOT = Feature(b"GETQUOTAROOT", AFTER_LOGIN, parse_mailbox, get_quota_root)
SETQUOTA = Feature(b"SETQUOTA", AFTER_LOGIN, wire.parse_set_quota, set_quota, always(b"QUOTASET"))
