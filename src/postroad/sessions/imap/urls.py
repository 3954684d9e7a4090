"""What URLs of messages lead to, for CATENATE (RFC 4469) and URLFETCH (RFC 4467)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from postroad.base.errors import MailError, NotFound
from postroad.base.phrases import said_by
from postroad.model.ids import AccountId, BlobId, MailboxName, Uid
from postroad.model.mailbox import Column, Mailbox
from postroad.sessions.imap import bodies
from postroad.sessions.imap.errors import BadUrl
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import WireError
from postroad.wire.imap.url import MessageUrl, parse_url

_COLUMNS = (Column.BLOB_ID, Column.PART_TABLE)


async def read_own(context: Context, octets: bytes) -> AsyncGenerator[bytes, None]:
    """The octets that a relative URL means, in chunks. Raises `BadUrl`, `TryLater`.

    RFC 4469 section 3 knows URLs without a server only, so nobody else's mail is in reach.
    """
    try:
        url = parse_url(octets)
    except WireError as error:
        raise BadUrl(octets, said_by(error)) from None
    if url.host is not None or url.auth is not None:
        raise BadUrl(octets, "Only URLs without a server can be catenated")
    owner, mailbox = await _mailbox(context, octets, url)
    wanted = await locate(context, owner, mailbox, url)
    if wanted is None or wanted.octets is None:
        raise BadUrl(octets, "There is no such message or part")
    async with aclosing(bodies.content(context.mailboxes, wanted)) as chunks:
        async for chunk in chunks:
            yield chunk


async def _mailbox(context: Context, octets: bytes, url: MessageUrl) -> tuple[AccountId, Mailbox]:
    if url.mailbox is None:
        if context.view is None:
            raise BadUrl(octets, "No mailbox is selected")
        await _renew(octets, context.view)
        return context.view.account, context.view.snapshot.mailbox
    try:
        place = await context.reach.find(context.viewer, MailboxName(url.mailbox))
    except MailError as error:
        if error.temporary:
            raise
        raise BadUrl(octets, "There is no such mailbox") from None
    return place.owner, place.mailbox


async def _renew(octets: bytes, view: Selected) -> None:
    """The right to read may be lost since the last command. Raises `BadUrl`."""
    try:
        await view.renew()
    except NotFound:
        raise BadUrl(octets, "There is no such mailbox") from None


async def locate(
    context: Context, account: AccountId, mailbox: Mailbox, url: MessageUrl
) -> bodies.Wanted | None:
    """Where it is; None without such a message, and `octets` None without such a part."""
    if url.uid_validity not in (None, mailbox.uid_validity):
        return None
    rows = await context.mailboxes.rows(account, mailbox.mailbox_id, [Uid(url.uid)], _COLUMNS)
    if not rows:
        return None
    _, blob_id, table = rows[0]
    (wanted,) = bodies.locate(
        cast("BlobId", blob_id),  # see Column
        cast("bytes", table),
        [url.section],
    )
    return wanted
