"""RFC 3464, RFC 6533: notifications, read back with Python's own parser."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.compose.message import Composed
from postroad.formats.dsn import Action, RecipientReport, Report, build

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADER = b"From: ann@example.com\r\nTo: bob@example.net\r\nSubject: Hi\r\n"
FAILED = RecipientReport(
    "bob@example.net",
    Action.FAILED,
    "5.1.1",
    "550 5.1.1 No such user\r\n here",
    remote_mta="mx.example.net",
    original_recipient="rfc822;Bob@example.net",
    last_attempt_at=NOW,
)
DELAYED = RecipientReport(
    "carl@example.org",
    Action.DELAYED,
    "4.4.1",
    "connection timed out",
    will_retry_until=NOW + timedelta(days=4),
)


def report_of(*recipients: RecipientReport, header: bytes = HEADER, **more: str) -> Report:
    return Report("mail.example.com", "ann@example.com", recipients, NOW, header, **more)


def octets_of(composed: Composed) -> bytes:
    octets = composed.header + b"\r\n" + b"".join(composed.body)
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    return octets


def parts_of(composed: Composed) -> tuple[EmailMessage, list[EmailMessage]]:
    message = message_from_bytes(octets_of(composed), policy=default)
    assert isinstance(message, EmailMessage)
    return message, [part for part in message.iter_parts() if isinstance(part, EmailMessage)]


def test_a_failure_and_a_delay() -> None:
    report = report_of(
        FAILED, DELAYED, original_message_id="<1@x>", original_envelope_id="QQ314159"
    )
    message, parts = parts_of(build(report, message_id="<2@x>", date=NOW))
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["to"] == "ann@example.com"
    assert message["from"] == "Mail Delivery System <MAILER-DAEMON@mail.example.com>"
    assert message["auto-submitted"] == "auto-replied"
    assert message["in-reply-to"] == "<1@x>"
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    text = parts[0].get_content()
    assert "could not be delivered to:" in text
    assert "mx.example.net said: 550 5.1.1 No such user here" in text
    assert "could not be delivered yet to:" in text
    assert parts[2].get_payload(decode=True) == HEADER


def test_the_fields_are_those_of_the_rfc() -> None:
    octets = octets_of(build(report_of(FAILED, DELAYED), message_id="<2@x>", date=NOW))
    assert (
        b"Reporting-MTA: dns; mail.example.com\r\n"
        b"Arrival-Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"
        b"\r\n"
        b"Original-Recipient: rfc822;Bob@example.net\r\n"
        b"Final-Recipient: rfc822; bob@example.net\r\n"
        b"Action: failed\r\n"
        b"Status: 5.1.1\r\n"
        b"Remote-MTA: dns; mx.example.net\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n"
        b"Last-Attempt-Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"
        b"\r\n"
        b"Final-Recipient: rfc822; carl@example.org\r\n"
        b"Action: delayed\r\n"
        b"Status: 4.4.1\r\n"
        b"Diagnostic-Code: X-Postroad; connection timed out\r\n"
        b"Will-Retry-Until: Tue, 06 Jan 2026 03:04:05 +0000\r\n"
    ) in octets


def test_utf8_addresses_make_it_global_and_still_ascii() -> None:
    recipient = RecipientReport("j\u00f6rg@example.net", Action.FAILED, "5.1.1", "550 n\u00f6")
    composed = build(
        report_of(recipient, header="Subject: h\u00e9\r\n".encode()), message_id="<2@x>", date=NOW
    )
    assert octets_of(composed).isascii()
    assert not composed.needs_smtputf8
    _, parts = parts_of(composed)
    assert parts[1].get_content_type() == "message/global-delivery-status"
    assert parts[2].get_content_type() == "message/global-headers"
    assert b"Final-Recipient: utf-8; j=C3=B6rg@example.net" in octets_of(composed)


def test_a_sender_in_utf8_needs_smtputf8() -> None:
    report = Report("mail.example.com", "\u00e9@example.com", [FAILED], NOW, HEADER)
    assert build(report, message_id="<2@x>", date=NOW).needs_smtputf8


def test_a_null_reverse_path_gets_no_notification() -> None:
    report = Report("mail.example.com", "", [FAILED], NOW, HEADER)
    with pytest.raises(ValueError, match="address"):
        build(report, message_id="<2@x>", date=NOW)


def test_a_huge_header_is_cut() -> None:
    header = b"X-Long: 0123456789\r\n" * 10_000
    _, parts = parts_of(build(report_of(FAILED, header=header), message_id="<2@x>", date=NOW))
    returned = parts[2].get_payload(decode=True)
    assert isinstance(returned, bytes)
    assert 60_000 < len(returned) <= 64 * 1024
    assert header.startswith(returned)


@given(st.text(max_size=200), st.text(max_size=20), st.binary(max_size=300))
def test_what_others_said_adds_no_field(diagnostic: str, status: str, header: bytes) -> None:
    recipient = RecipientReport("b@x.example", Action.FAILED, status, diagnostic, "mx.x.example")
    composed = build(report_of(recipient, header=header), message_id="<2@x>", date=NOW)
    octets = composed.header + b"\r\n" + b"".join(composed.body)
    message = message_from_bytes(octets, policy=default)
    fields = list(message.iter_parts())[1].get_payload()
    assert isinstance(fields, list)
    assert [part.keys() for part in fields if hasattr(part, "keys")][1][:4] == [
        "Final-Recipient",
        "Action",
        "Status",
        "Remote-MTA",
    ]
