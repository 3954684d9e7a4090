"""URLs of messages and their parts (RFC 5092), with URLAUTH (RFC 4467)."""

import datetime
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import Section, parse_section
from postroad.wire.imap.framing import RawCommand

_MAX_OCTETS = 4000
_MAX_32 = 2**32 - 1
_MAX_63 = 2**63 - 1
_CHARS = re.compile(rb"(?:[!$'()*+,A-Za-z0-9\-._~&=:@/;?]|%[0-9A-Fa-f]{2})*\Z")
# Every alternative begins with a mark that the one before cannot hold, so this is linear.
_URL = re.compile(
    rb"(?:imap://(?:(?P<user>[^;@/?:]*)(?:;AUTH=[^;@/?:]+)?@)?(?P<host>[^;@/?]+))?"
    rb"(?:/(?P<mailbox>[^;?/][^;?]*?)(?:;UIDVALIDITY=(?P<validity>[0-9]{1,10}))?/)?"
    rb";UID=(?P<uid>[0-9]{1,10})"
    rb"(?:/;SECTION=(?P<section>[^;?/]+))?"
    rb"(?:/;PARTIAL=(?P<first>[0-9]{1,18})(?:\.(?P<count>[0-9]{1,18}))?)?"
    rb"(?:;EXPIRE=(?P<expire>[0-9TtZz:.+\-]+))?"
    rb"(?:;URLAUTH=(?P<access>(?:submit|user)\+(?P<userid>[^;:/?]+)|authuser|anonymous)"
    rb"(?P<verifier>:(?P<mechanism>[A-Za-z0-9.\-]+):(?P<token>[0-9A-Fa-f]{32,128}))?)?\Z",
    re.IGNORECASE,
)
_EXPIRE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)\Z")


@dataclass(frozen=True, slots=True)
class UrlAuth:
    """Who may use a URL, until when, and what proves it (RFC 4467 section 3).

    `access` is ``submit``, ``user``, ``authuser`` or ``anonymous``, the first two with a
    `userid`. `token` is in lower case, and empty in a URL that is not authorized yet. `expires`
    is in microseconds UTC. `rump` is the URL without mechanism and token, octet for octet.
    """

    access: str
    userid: str
    expires: int | None
    mechanism: str
    token: str
    rump: bytes


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """A message or a part of one.

    `user` and `host` are None in a relative URL; `mailbox` is None where the selected one is
    meant.
    """

    user: str | None
    host: str | None
    mailbox: str | None
    uid_validity: int | None
    uid: int
    section: Section
    auth: UrlAuth | None = None


def parse_url(octets: bytes) -> MessageUrl:
    """Read a URL of a message. Raises `BadSyntax`, also for one of something else."""
    if len(octets) > _MAX_OCTETS:
        raise BadSyntax(f"a URL of at most {_MAX_OCTETS} octets", 0)
    match = _URL.match(octets) if _CHARS.match(octets) else None
    if match is None:
        raise BadSyntax("the URL of a message or a part of one", 0)
    if match["host"] is not None and match["mailbox"] is None:
        raise BadSyntax("a mailbox behind the server", 0)
    uid = _number(match["uid"])
    validity = None if match["validity"] is None else _number(match["validity"])
    return MessageUrl(
        user=_text(match["user"]),
        host=_text(match["host"]),
        mailbox=_mailbox(match["mailbox"]),
        uid_validity=validity,
        uid=uid,
        section=_section(match),
        auth=_auth(octets, match),
    )


def _number(digits: bytes) -> int:
    number = int(digits)
    if not 0 < number <= _MAX_32:
        raise BadSyntax("a number from 1 to 2^32 - 1", 0)
    return number


def _text(escaped: bytes | None) -> str | None:
    if escaped is None:
        return None
    octets = unquote_to_bytes(escaped)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise BadSyntax("text in UTF-8", 0) from None
    if "\0" in text:
        raise BadSyntax("text without NUL", 0)
    return text


def _mailbox(escaped: bytes | None) -> str | None:
    """A name as text: RFC 5092 section 3 has UTF-8 in URLs, whatever the connection uses."""
    name = _text(escaped)
    return "INBOX" if name is not None and name.upper() == "INBOX" else name


def _section(match: re.Match[bytes]) -> Section:
    wanted = b"" if match["section"] is None else unquote_to_bytes(match["section"])
    if b"\r" in wanted or b"\n" in wanted:
        raise BadSyntax("a section", 0)
    partial = b""
    if match["first"] is not None:
        count = match["count"] or b"%d" % _MAX_63
        partial = b"<%b.%b>" % (match["first"], count)
    cursor = Cursor(RawCommand(b"[%b]%b" % (wanted, partial)))
    try:
        section = parse_section(cursor)
        cursor.end()
    except WireError:
        raise BadSyntax("a section", 0) from None
    return section


def _auth(octets: bytes, match: re.Match[bytes]) -> UrlAuth | None:
    if match["access"] is None:
        if match["expire"] is not None:
            raise BadSyntax("URLAUTH behind EXPIRE", 0)
        return None
    verifier = match["verifier"] or b""
    return UrlAuth(
        access=match["access"].partition(b"+")[0].lower().decode(),
        userid=_text(match["userid"]) or "",
        expires=_moment(match["expire"]),
        mechanism=(match["mechanism"] or b"").upper().decode(),
        token=(match["token"] or b"").lower().decode(),
        rump=octets[: len(octets) - len(verifier)],
    )


def _moment(text: bytes | None) -> int | None:
    """A ``date-time`` of RFC 3339."""
    if text is None:
        return None
    if not _EXPIRE.match(text.upper()):
        raise BadSyntax("a date and time with its zone", 0)
    try:
        moment = datetime.datetime.fromisoformat(text.upper().decode())
        return int(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise BadSyntax("a date and time that exist", 0) from None
