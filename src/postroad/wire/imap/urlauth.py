"""GENURLAUTH, RESETKEY and URLFETCH as they are written (RFC 4467 section 9, RFC 5524)."""

from dataclasses import dataclass
from enum import Flag, auto

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import string

_MAX_URLS = 100


@dataclass(frozen=True, slots=True)
class ToAuthorize:
    """A URL and the mechanism, in upper case, that shall authorize it."""

    url: bytes
    mechanism: str


@dataclass(frozen=True, slots=True)
class GenUrlAuth:
    wanted: tuple[ToAuthorize, ...]


@dataclass(frozen=True, slots=True)
class ResetKey:
    """Without a mailbox: all keys."""

    mailbox: str | None
    mechanisms: tuple[str, ...]


class UrlPart(Flag):
    """What RFC 5524 section 3.1 adds to URLFETCH; nothing of it is the old form."""

    NONE = 0
    BODY = auto()
    BINARY = auto()
    STRUCTURE = auto()


@dataclass(frozen=True, slots=True)
class UrlFetch:
    wanted: tuple[tuple[bytes, UrlPart], ...]


_PARTS = {
    b"BODY": UrlPart.BODY,
    b"BINARY": UrlPart.BINARY,
    b"BODYPARTSTRUCTURE": UrlPart.STRUCTURE,
}


def parse_genurlauth(cursor: Cursor) -> GenUrlAuth:
    wanted: list[ToAuthorize] = []
    while not wanted or not cursor.at_end():
        cursor.sp()
        url = cursor.astring()
        cursor.sp()
        wanted.append(ToAuthorize(url, cursor.word().decode()))
        if len(wanted) > _MAX_URLS:
            raise cursor.wrong(f"at most {_MAX_URLS} URLs")
    return GenUrlAuth(tuple(wanted))


def parse_resetkey(cursor: Cursor) -> ResetKey:
    if cursor.at_end():
        return ResetKey(None, ())
    cursor.sp()
    mailbox = cursor.mailbox()
    mechanisms = []
    while not cursor.at_end():
        cursor.sp()
        mechanisms.append(cursor.word().decode())
        if len(mechanisms) > _MAX_URLS:
            raise cursor.wrong("fewer mechanisms")
    return ResetKey(mailbox, tuple(mechanisms))


def parse_urlfetch(cursor: Cursor) -> UrlFetch:
    wanted: list[tuple[bytes, UrlPart]] = []
    while not wanted or not cursor.at_end():
        cursor.sp()
        wanted.append(_extended(cursor) if cursor.take(b"(") else (cursor.astring(), UrlPart.NONE))
        if len(wanted) > _MAX_URLS:
            raise cursor.wrong(f"at most {_MAX_URLS} URLs")
    return UrlFetch(tuple(wanted))


def _extended(cursor: Cursor) -> tuple[bytes, UrlPart]:
    url, parts = cursor.astring(), UrlPart.NONE
    while not cursor.take(b")"):
        cursor.sp()
        part = _PARTS.get(cursor.word())
        if part is None:
            raise cursor.wrong("BODY, BINARY or BODYPARTSTRUCTURE")
        if part in parts:
            raise cursor.wrong("each of them once")
        parts |= part
    if UrlPart.BODY | UrlPart.BINARY in parts:
        raise cursor.wrong("either BODY or BINARY")
    return url, parts


@dataclass(frozen=True, slots=True)
class Authorized:
    """The GENURLAUTH response (RFC 4467 section 8)."""

    urls: tuple[bytes, ...]

    def encode(self) -> bytes:
        return b"* GENURLAUTH %b\r\n" % b" ".join(map(string, self.urls))
