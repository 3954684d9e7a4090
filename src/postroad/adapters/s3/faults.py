"""What the service or the network did not do for us, in words for the operator."""

import re
from enum import Enum, auto

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_CREDENTIALS = "the credentials are refused, or lack the rights for this"
_WORDS = {
    "NoSuchBucket": "the bucket does not exist",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "AccessDenied": _CREDENTIALS,
    "ExpiredToken": "the credentials have expired",
    "RequestTimeTooSkewed": "our clock and the service's differ too much",
    "SlowDown": "the service asks us to slow down",
    "PermanentRedirect": "the bucket is in another region",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
}
# Trying again at once changes nothing about these.
_LASTING = _WORDS.keys() - {"SlowDown"}


class Kind(Enum):
    ABSENT = auto()  # no such key: an answer, and not a failure
    BEYOND = auto()  # the range begins behind the end: an answer as well
    CONFLICT = auto()  # a condition of ours does not hold
    REFUSED = auto()  # until the operator mends it
    FAILED = auto()  # for now


ANSWERS = frozenset({Kind.ABSENT, Kind.BEYOND, Kind.CONFLICT})


class Fault(Exception):
    """Security: `why` is for the log and the operator, never for a client."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why


def fault_of(error: BaseException) -> Fault:
    """Security: of the service's own text only the code is told; it may hold what we signed."""
    text = str(error)
    code = match[1] if (match := _CODE.search(text)) else ""
    if isinstance(error, (AlreadyExistsError, PreconditionError, NotModifiedError)):
        return Fault(Kind.CONFLICT, "it was changed meanwhile")
    if isinstance(error, FileNotFoundError) and code == "NoSuchKey":
        return Fault(Kind.ABSENT, "no such key")
    if code == "InvalidRange":
        return Fault(Kind.BEYOND, "behind the end")
    is_refused = code in _LASTING or isinstance(
        error, (PermissionDeniedError, UnauthenticatedError, FileNotFoundError)
    )
    return Fault(Kind.REFUSED if is_refused else Kind.FAILED, _why(error, text, code))


def _why(error: BaseException, text: str, code: str) -> str:
    if code:
        words = _WORDS.get(code, "the service answers with an error")
        return f"{words} ({code})"
    if match := _STATUS.search(text):
        return f"the service answers {match[1]}"
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return _CREDENTIALS
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, BaseError):
        return "the service cannot be reached, or broke off"
    return f"{type(error).__name__}"
