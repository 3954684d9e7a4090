"""What a reply, or the lack of one, means for a recipient."""

from postroad.ports.transport import Accepted, PermanentFailure, TemporaryFailure
from postroad.wire.smtp.replies import Reply

Failure = TemporaryFailure | PermanentFailure


def failure(reply: Reply) -> Failure:
    """A reply that is not the one hoped for. What makes no sense is tried again."""
    if reply.is_permanent:
        return PermanentFailure(str(reply), reply.code, reply.status)
    status = reply.status if reply.is_temporary else "4.5.0"
    return TemporaryFailure(str(reply), reply.code, status)


def of_content(reply: Reply) -> Accepted | Failure:
    """The answer to the whole message."""
    return Accepted(str(reply)) if reply.is_positive else failure(reply)


def of_recipient(reply: Reply) -> Failure | None:
    """The answer to RCPT; None when the recipient was taken."""
    if reply.is_positive:
        return None
    if reply.code == 552 and reply.enhanced in ("", "5.5.3"):
        # RFC 5321 section 4.5.3.1.10: older servers say 552 for too many recipients.
        return TemporaryFailure(str(reply), reply.code, "4.5.3")
    return failure(reply)


def of_login(reply: Reply) -> TemporaryFailure:
    """A refused login is a mistake in our settings, and no reason to bounce mail."""
    return TemporaryFailure(str(reply), reply.code, "4.7.0")


def lost(reason: str, *, after_content: bool = False) -> TemporaryFailure:
    """No reply came.

    After the end of the content nobody knows whether the server has taken the message; it is
    tried again, and may arrive twice (RFC 5321 section 4.2.5 and RFC 1047).
    """
    if after_content:
        reason = f"{reason}, after the whole message was sent; it may have arrived"
    return TemporaryFailure(reason, 0, "4.4.2")
