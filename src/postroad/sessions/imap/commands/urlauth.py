"""GENURLAUTH, RESETKEY and URLFETCH (RFC 4467, RFC 5524): one message for others to read."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from postroad.base.errors import Invalid, NotPermitted
from postroad.base.phrases import phrase
from postroad.core.mailbox.urlauth import MECHANISM
from postroad.formats.mailaddress import normalise_address
from postroad.formats.mime import transfer
from postroad.model.ids import MailboxName, Uid
from postroad.model.mailbox import Column
from postroad.model.sharing import Place
from postroad.sessions.imap import bodies, urls
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.fetch import Form, What
from postroad.wire.imap.responses import Condition, Octets, string
from postroad.wire.imap.structure import decoded, part_of
from postroad.wire.imap.url import MessageUrl, UrlAuth, parse_url
from postroad.wire.imap.urlauth import (
    Authorized,
    GenUrlAuth,
    ResetKey,
    UrlFetch,
    UrlPart,
    parse_genurlauth,
    parse_resetkey,
    parse_urlfetch,
)

_URLMECH = b"URLMECH " + MECHANISM.encode()


async def generate(context: Context, command: GenUrlAuth) -> Replies:
    """All of them, or none."""
    authorized = [await _authorize(context, each.url, each.mechanism) for each in command.wanted]
    yield Authorized(tuple(authorized))


async def _authorize(context: Context, octets: bytes, mechanism: str) -> bytes:
    url = parse_url(octets)
    if url.auth is None or url.auth.token:
        raise BadSyntax("an access identifier at the end of the URL", 0)
    if not url.user or url.host is None or url.mailbox is None:
        raise BadSyntax("the name of the owner in the URL", 0)
    if mechanism != MECHANISM:
        raise Invalid(phrase("The mechanism here is {mechanism}", mechanism=MECHANISM))
    if not _is_me(context, url.user, url.host):
        raise NotPermitted("that is another person's URL")
    token = await context.services.urls.token(
        context.viewer, MailboxName(url.mailbox), url.auth.rump
    )
    return b"%b:%b:%b" % (url.auth.rump, mechanism.lower().encode(), token.encode())


async def reset(context: Context, command: ResetKey) -> Replies:
    if command.mailbox is None:
        await context.services.urls.revoke(context.viewer)
        yield Done("All keys are removed")
        return
    if any(mechanism != MECHANISM for mechanism in command.mechanisms):
        yield Done(
            phrase("The mechanism here is {mechanism}", mechanism=MECHANISM),
            b"CANNOT",
            Condition.NO,
        )
        return
    await context.services.urls.renew(context.viewer, MailboxName(command.mailbox))
    yield Done("The key is another one", _URLMECH)


async def fetch(context: Context, command: UrlFetch) -> Replies:
    """Whatever is wrong with a URL, the answer is NIL (RFC 4467 section 7)."""
    for octets, parts in command.wanted:
        begin = b"* URLFETCH %b" % string(octets)
        async with aclosing(_fetched(context, octets, parts, begin)) as pieces:
            async for piece in pieces:
                yield Octets(piece)


async def _fetched(
    context: Context, octets: bytes, parts: UrlPart, begin: bytes
) -> AsyncGenerator[bytes, None]:
    found = await _proven(context, octets)
    wanted = None
    if found is not None:
        place, url = found
        wanted = await urls.locate(context, place.owner, place.mailbox, url)
    if found is None or wanted is None or wanted.octets is None:
        yield begin + b" NIL\r\n"
        return
    if not parts:
        async with aclosing(bodies.labelled(context.mailboxes, wanted, begin)) as chunks:
            async for chunk in chunks:
                yield chunk
        yield b"\r\n"
        return
    yield begin
    binary = await _binary(context, *found) if UrlPart.BINARY in parts else None
    if UrlPart.STRUCTURE in parts:
        yield b" (BODYPARTSTRUCTURE %b)" % await _structure(context, *found, binary)
    if UrlPart.BODY in parts or UrlPart.BINARY in parts:
        async with aclosing(_data(context, wanted, binary, parts)) as chunks:
            async for chunk in chunks:
                yield chunk
    yield b"\r\n"


async def _data(
    context: Context, wanted: bodies.Wanted, binary: bodies.Wanted | None, parts: UrlPart
) -> AsyncGenerator[bytes, None]:
    if UrlPart.BINARY in parts and binary is None:
        yield b" (BINARY NIL)"
        return
    label = b"BODY" if binary is None else b"BINARY"
    told = bodies.labelled(context.mailboxes, binary or wanted, b" (" + label)
    async with aclosing(told) as chunks:
        async for chunk in chunks:
            yield chunk
    yield b")"


async def _binary(context: Context, place: Place, url: MessageUrl) -> bodies.Wanted | None:
    """The part without its transfer encoding; None where that is not known."""
    section = url.section
    if section.what is What.WHOLE:
        url = replace(url, section=replace(section, form=Form.BINARY))
    try:
        found = await urls.locate(context, place.owner, place.mailbox, url)
    except transfer.UnknownEncoding:
        return None
    # Limit: a piece of something large would have to be decoded as a whole.
    if found is None or (found.section.partial and not found.is_raw and found.size > bodies.LARGE):
        return None
    return found


async def _structure(
    context: Context, place: Place, url: MessageUrl, binary: bodies.Wanted | None
) -> bytes:
    """BODYPARTSTRUCTURE (RFC 5524 section 3.2), as it is once the data is decoded."""
    if url.section.what is not What.WHOLE:
        return b"NIL"
    rows = await context.mailboxes.rows(
        place.owner, place.mailbox.mailbox_id, [Uid(url.uid)], [Column.BODY_STRUCTURE]
    )
    if not rows:
        return b"NIL"
    structure = part_of(cast("bytes", rows[0][1]), url.section.path)  # see Column
    if structure is None or binary is None or binary.encoding in transfer.IDENTITY:
        return structure or b"NIL"
    size, kind = 0, b"7bit"
    async with aclosing(bodies.content(context.mailboxes, binary)) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if b"\0" in chunk:
                kind = b"binary"
            elif kind == b"7bit" and not chunk.isascii():
                kind = b"8bit"
    return decoded(structure, kind, size)


async def _proven(context: Context, octets: bytes) -> tuple[Place, MessageUrl] | None:
    try:
        url = parse_url(octets)
    except WireError:
        return None
    auth = url.auth
    if auth is None or not auth.token or auth.mechanism != MECHANISM:
        return None
    if not url.user or url.host is None or url.mailbox is None:
        return None
    place = await context.services.urls.proven(
        context.viewer,
        _address(url.user, url.host),
        MailboxName(url.mailbox),
        auth.rump,
        auth.token,
    )
    if place is None or not _may_use(context, auth, url.host):
        return None
    return place, url


def _may_use(context: Context, auth: UrlAuth, host: str) -> bool:
    """RFC 4467 section 3: the access identifier, and the time."""
    if auth.expires is not None and auth.expires < context.services.now():
        return False
    match auth.access:
        case "user":
            return _is_me(context, auth.userid, host)
        case "submit":
            address = context.principal.account.address if context.principal else ""
            return address in context.settings.submitters
        case _:
            # Anonymous ones cannot log in here; all others are of the owner's tenant.
            return True


def _is_me(context: Context, user: str, host: str) -> bool:
    principal = context.principal
    return principal is not None and _address(user, host) == principal.account.address


def _address(user: str, host: str) -> str:
    """Interop: some write the domain of the address as the server of the URL."""
    return normalise_address(user if "@" in user else f"{user}@{host.partition(':')[0]}")


GENURLAUTH = Feature(
    b"GENURLAUTH", AFTER_LOGIN, parse_genurlauth, generate, always(b"URLAUTH", b"URLAUTH=BINARY")
)
RESETKEY = Feature(b"RESETKEY", AFTER_LOGIN, parse_resetkey, reset)
URLFETCH = Feature(b"URLFETCH", AFTER_LOGIN, parse_urlfetch, fetch)
