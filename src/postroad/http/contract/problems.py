"""What an HTTP client is told when its wish is not granted."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from postroad.base.errors import MailError
from postroad.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that grants nothing; `name` is for programs, `message` for their authors."""

    status: int
    name: str
    message: str
    retry_after_seconds: int | None = None
    allow: str | None = None
    """For 405: the methods that are there (RFC 9110 section 15.5.6)."""

    def encode(self) -> bytes:
        """The body, as the Resend API spells it."""
        return msgspec.json.encode(
            {"statusCode": self.status, "message": self.message, "name": self.name}
        )


class RequestError(WireError):
    """The request itself is at fault; it never reached the core."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


ErrorTable = Mapping[type[MailError], tuple[int, str]]
"""Status and name of each error of the core; looked up along the ancestors of its class."""


def problem_of(error: MailError, table: ErrorTable) -> Problem:
    """What to say of an error of the core."""
    for ancestor in type(error).__mro__:
        if ancestor in table:
            status, name = table[ancestor]
            retry_after = 1 if error.temporary else None
            message = str(error) or name.replace("_", " ")
            return Problem(status, name, message, retry_after)
    raise error


def unprocessable(name: str, message: str) -> RequestError:
    """The request is well-formed, and cannot be granted (RFC 9110 section 15.5.21)."""
    return RequestError(Problem(422, name, message))
