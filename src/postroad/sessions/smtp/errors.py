"""How each domain error is told to an SMTP client. The only place that decides it."""

from postroad.base.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Conflict,
    InUse,
    Invalid,
    LowSpace,
    MailError,
    MailLoop,
    NoSuchTarget,
    NotAuthorised,
    NotFound,
    NotPermitted,
    OverQuota,
    TooLarge,
    TooMany,
    TryLater,
)
from postroad.wire.smtp.replies import Reply

REPLIES: dict[type[MailError], Reply] = {
    MailError: Reply(554, "5.0.0", "Transaction failed"),
    NotFound: Reply(550, "5.1.1", "No such recipient here"),
    NoSuchTarget: Reply(550, "5.1.1", "No such recipient here"),
    AlreadyExists: Reply(554, "5.0.0", "Transaction failed"),
    NotPermitted: Reply(550, "5.7.1", "Not permitted"),
    MailLoop: Reply(554, "5.4.6", "The message is in a loop"),
    AuthenticationFailed: Reply(535, "5.7.8", "Authentication failed"),
    NotAuthorised: Reply(535, "5.7.8", "Authentication failed"),
    InUse: Reply(451, "4.3.0", "In use, try again later"),
    Invalid: Reply(550, "5.6.0", "The message is not acceptable"),
    TooLarge: Reply(552, "5.3.4", "The message is too large"),
    TooMany: Reply(452, "4.5.3", "Too many recipients"),
    Conflict: Reply(554, "5.0.0", "Transaction failed"),
    # The sender may try again, as the owner may make room meanwhile.
    OverQuota: Reply(452, "4.2.2", "The mailbox is full"),
    TryLater: Reply(451, "4.3.0", "Try again later"),
    LowSpace: Reply(452, "4.3.1", "Not enough storage, try again later"),
}


def reply_to(error: MailError) -> Reply:
    """The reply for an error, with the error's own text if it has one."""
    found = next(REPLIES[kind] for kind in type(error).__mro__ if kind in REPLIES)
    text = str(error).replace("\n", " ")
    return Reply(found.code, found.enhanced, text) if text else found
