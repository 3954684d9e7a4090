"""How each domain error is told to an IMAP client. The only place that decides it."""

from collections.abc import Sequence
from urllib.parse import quote

from postroad.base import errors as e
from postroad.base.phrases import Phrase, phrase, said_by
from postroad.sessions.imap.feature import UidRequired
from postroad.wire.errors import WireError
from postroad.wire.imap.responses import Condition, Status

# What a URL may hold and a response code too (RFC 4469 section 5); the rest is escaped.
_URL_CHARS = "%/:;=@?&+,!$'()*~"


class BadUrl(e.MailError):
    """A URL names no message here, or none that this client may read (RFC 4469 section 4.1)."""

    def __init__(self, url: bytes, why: str) -> None:
        super().__init__(why)
        self.url = url


class ReadOnly(e.NotPermitted):
    """The selected mailbox was opened with EXAMINE, or may not be changed."""


class UndefinedFilter(e.NotFound):
    """A search names a filter that is not there, or leads to itself (RFC 5466 section 3.1)."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


class BadEvent(e.MailError):
    """NOTIFY asks for an event that is not known here (RFC 5465 section 3.1)."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("an event is not known here")
        self.known = known


class TooMuchToTell(e.TooMany):
    """NOTIFY asks for more than a session can be told (RFC 5465 section 3.1)."""


CODES: dict[type[e.MailError], bytes] = {
    e.MailError: b"",
    e.NotFound: b"NONEXISTENT",  # RFC 5530 section 3
    e.NoSuchTarget: b"TRYCREATE",  # RFC 9051 section 6.4.7
    e.AlreadyExists: b"ALREADYEXISTS",  # RFC 5530 section 3
    e.NotPermitted: b"NOPERM",  # RFC 5530 section 3
    e.MailLoop: b"NOPERM",
    ReadOnly: b"READ-ONLY",  # RFC 9051 section 7.1
    e.AuthenticationFailed: b"AUTHENTICATIONFAILED",  # RFC 5530 section 3
    e.NotAuthorised: b"AUTHORIZATIONFAILED",  # RFC 5530 section 3
    e.InUse: b"INUSE",  # RFC 5530 section 3
    e.Invalid: b"CANNOT",  # RFC 5530 section 3
    e.TooLarge: b"TOOBIG",  # RFC 4469 section 4.2, RFC 7889
    e.TooMany: b"LIMIT",  # RFC 5530 section 3
    e.Conflict: b"CANNOT",
    e.OverQuota: b"OVERQUOTA",  # RFC 9208 section 4.3.1
    BadEvent: b"BADEVENT",  # RFC 5465 section 8
    TooMuchToTell: b"NOTIFICATIONOVERFLOW",  # RFC 5465 section 5.8
    UndefinedFilter: b"UNDEFINED-FILTER",  # RFC 5466 section 3.1
    BadUrl: b"BADURL",  # RFC 4469 section 4.1
    e.TryLater: b"UNAVAILABLE",  # RFC 5530 section 3
}


# What is said in a language that has no words for the error itself: an operator is meant.
GENERAL: dict[type[e.MailError], str] = {
    e.MailError: "that cannot be done",
    e.NotFound: "there is no such thing",
    e.AlreadyExists: "that is there already",
    e.NotPermitted: "you do not have the right to do this",
    e.AuthenticationFailed: "the name or the password is wrong",
    e.InUse: "something depends on that",
    e.Invalid: "that is not acceptable",
    e.TooLarge: "that is too large",
    e.TooMany: "that is too many",
    e.OverQuota: "the account has no room left",
    e.TryLater: "that cannot be done now, try again later",
}


def code_of(error: e.MailError) -> bytes:
    """The response code of the error, or of the nearest ancestor that has one."""
    if isinstance(error, BadUrl):
        return CODES[BadUrl] + b" " + quote(error.url, safe=_URL_CHARS).encode()
    if isinstance(error, BadEvent):
        return CODES[BadEvent] + b" (%b)" % " ".join(error.known).encode()
    if isinstance(error, UndefinedFilter):
        return CODES[UndefinedFilter] + b" " + error.name.encode()
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def bad_code(error: WireError) -> bytes:
    """The response code of a tagged BAD."""
    return b"UIDREQUIRED" if isinstance(error, UidRequired) else b""


def words_of(error: e.MailError) -> str:
    """What the client is told, see `postroad.sessions.imap.languages`."""
    general = next(GENERAL[kind] for kind in type(error).__mro__ if kind in GENERAL)
    said = said_by(error)
    if isinstance(said, Phrase):
        return said
    return phrase(said.replace("{", "{{").replace("}", "}}") or general, general=general)


def reply_to(error: e.MailError, tag: bytes) -> Status:
    return Status(Condition.NO, words_of(error), code_of(error), tag)
