"""Delivery status notifications that we send (RFC 3464, RFC 6522, RFC 6533)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum

from postroad.formats.compose.fields import fold, with_parameters
from postroad.formats.compose.mailboxes import Mailbox, address_field, split_address
from postroad.formats.compose.message import Composed
from postroad.formats.compose.parts import Leaf, Multipart, encode, quoted_printable, text_part

# Limit: of the original's header this much goes back; nobody reads more.
_MAX_HEADER_OCTETS = 64 * 1024
_MAX_DIAGNOSTIC = 2000
_MAX_RECIPIENTS_IN_TEXT = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\x80-\x9f]+")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\Z")


class Action(Enum):
    """RFC 3464 section 2.3.3, those that we report."""

    FAILED = "failed"
    DELAYED = "delayed"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient (RFC 3464 section 2.3)."""

    final_recipient: str
    """The forward path we used."""
    action: Action
    status: str
    """RFC 3463; one that is malformed becomes 5.0.0 or 4.0.0."""
    diagnostic: str = ""
    """The reply of the other server, or why there was none."""
    remote_mta: str | None = None
    """The name of the server that replied; None if there was none."""
    original_recipient: str | None = None
    """ORCPT, `type;address` with its xtext decoded."""
    last_attempt_at: datetime | None = None
    will_retry_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A notification for the sender of one message."""

    reporting_mta: str
    """Our name in the DNS."""
    reverse_path: str
    """Who sent the message and gets the notification; never the null reverse path."""
    recipients: Sequence[RecipientReport]
    arrived_at: datetime
    original_header: bytes
    original_message_id: str | None = None
    original_envelope_id: str | None = None


def build(report: Report, *, message_id: str, date: datetime) -> Composed:
    """The notification as a message, to be sent with the null reverse path.

    Its octets are ASCII; only a sender whose own address is UTF-8 needs SMTPUTF8. Raises
    `ValueError` if the reverse path is no address.
    """
    sender = Mailbox("", *split_address(report.reverse_path))
    daemon = Mailbox("Mail Delivery System", "MAILER-DAEMON", report.reporting_mta)
    failed = any(item.action is Action.FAILED for item in report.recipients)
    parts = [_human_part(report), _status_part(report), _header_part(report.original_header)]
    fields, body = encode(Multipart("report", parts, (("report-type", "delivery-status"),)))
    header = [
        fold("Date", [format_datetime(date)]),
        address_field("From", [daemon]),
        address_field("To", [sender]),
        fold("Subject", _subject(failed=failed).split(" ")),
        fold("Message-ID", [message_id]),
        *_thread(report.original_message_id),
        # RFC 3834 section 5: keeps other machines from answering.
        b"Auto-Submitted: auto-replied\r\n",
        b"MIME-Version: 1.0\r\n",
        fields,
    ]
    return Composed(
        header=b"".join(header),
        body=body,
        message_id=message_id,
        needs_smtputf8=sender.needs_smtputf8,
    )


def _subject(*, failed: bool) -> str:
    return "Your message could not be delivered" if failed else "Your message is delayed"


def _thread(message_id: str | None) -> list[bytes]:
    if message_id is None or not message_id.isascii() or _CONTROL.search(message_id):
        return []
    return [fold("In-Reply-To", [message_id]), fold("References", [message_id])]


def _human_part(report: Report) -> Leaf:
    lines = [f"This is the mail system at {report.reporting_mta}.", ""]
    failed = [item for item in report.recipients if item.action is Action.FAILED]
    delayed = [item for item in report.recipients if item.action is Action.DELAYED]
    if failed:
        lines += ["Your message could not be delivered to:", ""]
        lines += _explained(failed)
        lines += ["It will not be tried again.", ""]
    if delayed:
        lines += ["Your message could not be delivered yet to:", ""]
        lines += _explained(delayed)
        lines += ["You need not send it again: we go on trying.", ""]
    lines += ["The header of your message is attached."]
    return text_part("\n".join(lines), "plain")


def _explained(recipients: Sequence[RecipientReport]) -> list[str]:
    lines = []
    for item in recipients[:_MAX_RECIPIENTS_IN_TEXT]:
        said = f"{item.remote_mta} said: " if item.remote_mta else ""
        lines += [f"  <{_clean(item.final_recipient)}>", f"    {said}{_clean(item.diagnostic)}"]
        if item.will_retry_until is not None:
            lines += [f"    We try until {format_datetime(item.will_retry_until)}."]
        lines += [""]
    if len(recipients) > _MAX_RECIPIENTS_IN_TEXT:
        lines += [f"  and {len(recipients) - _MAX_RECIPIENTS_IN_TEXT} more, see below", ""]
    return lines


def _status_part(report: Report) -> Leaf:
    is_global = any(
        not (item.final_recipient + (item.original_recipient or "")).isascii()
        for item in report.recipients
    )
    groups = [_message_fields(report)]
    groups += [_recipient_fields(item, is_global=is_global) for item in report.recipients]
    octets = b"\r\n".join(groups)
    if not is_global:
        # RFC 3464 section 2.1: it must be 7bit.
        octets = octets.decode("utf-8").encode("ascii", "replace")
        return Leaf(_kind("message/delivery-status", "7bit"), [octets])
    # RFC 6533 section 4.1: this one may be encoded, so that a server without 8BITMIME takes it.
    kind = _kind("message/global-delivery-status", "quoted-printable")
    return Leaf(kind, [quoted_printable(octets)])


def _message_fields(report: Report) -> bytes:
    fields = [fold("Reporting-MTA", ["dns;", report.reporting_mta])]
    if report.original_envelope_id is not None:
        fields.insert(0, _text_field("Original-Envelope-Id", report.original_envelope_id))
    fields.append(fold("Arrival-Date", [format_datetime(report.arrived_at)]))
    return b"".join(fields)


def _recipient_fields(item: RecipientReport, *, is_global: bool) -> bytes:
    is_utf8 = is_global and not item.final_recipient.isascii()
    kind = "utf-8" if is_utf8 else "rfc822"
    fields = []
    if item.original_recipient is not None:
        fields.append(_text_field("Original-Recipient", item.original_recipient))
    fields.append(_text_field("Final-Recipient", f"{kind}; {item.final_recipient}"))
    fields.append(fold("Action", [item.action.value]))
    fields.append(fold("Status", [_status(item)]))
    if item.remote_mta is not None:
        fields.append(_text_field("Remote-MTA", f"dns; {item.remote_mta}"))
    if item.diagnostic:
        diagnostic = item.diagnostic[:_MAX_DIAGNOSTIC]
        # RFC 3464 section 2.3.6: "smtp" is for what an SMTP server replied.
        kind = "smtp" if item.remote_mta is not None else "X-Postroad"
        fields.append(_text_field("Diagnostic-Code", f"{kind}; {diagnostic}"))
    if item.last_attempt_at is not None:
        fields.append(fold("Last-Attempt-Date", [format_datetime(item.last_attempt_at)]))
    if item.will_retry_until is not None and item.action is Action.DELAYED:
        fields.append(fold("Will-Retry-Until", [format_datetime(item.will_retry_until)]))
    return b"".join(fields)


def _status(item: RecipientReport) -> str:
    wanted = "5" if item.action is Action.FAILED else "4"
    if not _STATUS.match(item.status):
        return f"{wanted}.0.0"
    # RFC 3464 section 2.3.4: the class goes with the action, also when we gave up on a 4.x.x.
    return item.status if wanted == "4" or item.status[0] != "2" else "5.0.0"


def _header_part(header: bytes) -> Leaf:
    if len(header) > _MAX_HEADER_OCTETS:
        # Whole lines only; the cut may lie within a field, which nobody minds in a report.
        header = header[: header.rfind(b"\r\n", 0, _MAX_HEADER_OCTETS) + 2]
    if header and not header.endswith(b"\r\n"):
        header += b"\r\n"
    header = header.replace(b"\x00", b"")
    if header.isascii():
        return Leaf(_kind("text/rfc822-headers", "quoted-printable"), [quoted_printable(header)])
    octets = header.decode("utf-8", "replace").encode("utf-8")
    kind = _kind("message/global-headers", "quoted-printable")
    return Leaf(kind, [quoted_printable(octets)])


def _kind(media_type: str, encoding: str) -> bytes:
    content_type = with_parameters("Content-Type", media_type, [])
    return content_type + f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")


def _text_field(name: str, text: str) -> bytes:
    return fold(name, _clean(text).split(" "))


def _clean(text: str) -> str:
    """Security: what another server said must not become a field of ours."""
    return " ".join(_CONTROL.sub(" ", text).split()).encode("utf-8", "replace").decode("utf-8")
