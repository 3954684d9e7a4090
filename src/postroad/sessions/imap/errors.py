"""How each domain error is told to an IMAP client. The only place that decides it."""

from postroad.base import errors as e
from postroad.sessions.imap.feature import UidRequired
from postroad.wire.errors import WireError
from postroad.wire.imap.responses import Condition, Status

CODES: dict[type[e.MailError], bytes] = {
    e.MailError: b"",
    e.NotFound: b"NONEXISTENT",  # RFC 5530 section 3
    e.NoSuchTarget: b"TRYCREATE",  # RFC 9051 section 6.4.7
    e.AlreadyExists: b"ALREADYEXISTS",  # RFC 5530 section 3
    e.NotPermitted: b"NOPERM",  # RFC 5530 section 3
    e.MailLoop: b"NOPERM",
    e.AuthenticationFailed: b"AUTHENTICATIONFAILED",  # RFC 5530 section 3
    e.NotAuthorised: b"AUTHORIZATIONFAILED",  # RFC 5530 section 3
    e.InUse: b"INUSE",  # RFC 5530 section 3
    e.Invalid: b"CANNOT",  # RFC 5530 section 3
    e.TooLarge: b"TOOBIG",  # RFC 4469 section 4.2, RFC 7889
    e.TooMany: b"LIMIT",  # RFC 5530 section 3
    e.Conflict: b"CANNOT",
    e.OverQuota: b"OVERQUOTA",  # RFC 9208 section 4.3.1
    e.TryLater: b"UNAVAILABLE",  # RFC 5530 section 3
}


def code_of(error: e.MailError) -> bytes:
    """The response code of the error, or of the nearest ancestor that has one."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def bad_code(error: WireError) -> bytes:
    """The response code of a tagged BAD."""
    return b"UIDREQUIRED" if isinstance(error, UidRequired) else b""


def reply_to(error: e.MailError, tag: bytes) -> Status:
    return Status(Condition.NO, str(error) or type(error).__name__, code_of(error), tag)
