"""Whole messages, read back with Python's own parser."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import Invalid
from postroad.formats.compose.mailboxes import Mailbox
from postroad.formats.compose.message import Attachment, Composed, Draft, compose

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANN = Mailbox("Ann", "ann", "example.com")
BOB = Mailbox("", "bob", "example.net")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10


def build(**changes: Any) -> Composed:  # any field of the draft
    draft = Draft(**{"from_": ANN, "to": [BOB], "subject": "Hi", **changes})
    return compose(draft, message_id="<1@example.com>", date=NOW)


def octets_of(composed: Composed) -> bytes:
    octets = composed.header + b"\r\n" + b"".join(composed.body)
    assert composed.size == len(octets)
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    return octets


def read(composed: Composed) -> EmailMessage:
    message = message_from_bytes(octets_of(composed), policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def shape(message: EmailMessage) -> object:
    if message.is_multipart():
        return [message.get_content_subtype(), *map(shape, message.iter_parts())]  # type: ignore[arg-type]  # parts are EmailMessages
    return message.get_content_type()


def test_a_plain_message() -> None:
    message = read(build(text="Hello\nyou", cc=[ANN], reply_to=[BOB], subject="H\u00e9"))
    assert message["from"] == "Ann <ann@example.com>"
    assert message["to"] == "bob@example.net"
    assert message["cc"] == "Ann <ann@example.com>"
    assert message["reply-to"] == "bob@example.net"
    assert message["subject"] == "H\u00e9"
    assert message["message-id"] == "<1@example.com>"
    assert message["date"].datetime == NOW
    assert message["mime-version"] == "1.0"
    assert message.get_content() == "Hello\r\nyou\r\n"


IMAGE = Attachment("a.png", PNG, content_id="logo")
FILE = Attachment("f.pdf", b"%PDF")
HTML = "text/html"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": "a"}, "text/plain"),
        ({}, "text/plain"),
        ({"html": "<p>a"}, ["alternative", "text/plain", HTML]),
        ({"html": "<p>a", "text": "b"}, ["alternative", "text/plain", HTML]),
        ({"html": "<p>a", "text": ""}, HTML),
        (
            {"html": "<p>a", "attachments": [IMAGE]},
            ["alternative", "text/plain", ["related", HTML, "image/png"]],
        ),
        (
            {"html": "<p>a", "attachments": [IMAGE, FILE]},
            [
                "mixed",
                ["alternative", "text/plain", ["related", HTML, "image/png"]],
                "application/pdf",
            ],
        ),
        ({"text": "a", "attachments": [IMAGE]}, ["mixed", "text/plain", "image/png"]),
        (
            {"html": "<img src='cid:logo'>", "attachments": [IMAGE]},
            ["related", HTML, "image/png"],
        ),
    ],
)
def test_the_structure_follows_what_there_is(changes: dict[str, Any], expected: object) -> None:
    assert shape(read(build(**changes))) == expected


def test_attachments_are_read_back() -> None:
    files = [
        Attachment("r\u00e9sum\u00e9.pdf", b"%PDF-1", None),
        Attachment(None, b"", 'text/calendar; method=REQUEST; charset="utf-8"'),
        Attachment("unknown.zzz", b"\x00\xff"),
        Attachment("x.tar.gz", b"\x1f\x8b"),
        Attachment("m.eml", b"Subject: x\r\n\r\ny\r\n", "message/rfc822"),
        Attachment("n.eml", b"Subject: \xff\r\n\r\ny\r\n", "message/rfc822"),
    ]
    parts = list(read(build(text="t", attachments=files)).iter_attachments())
    assert [part.get_content_type() for part in parts] == [
        "application/pdf",
        "text/calendar",
        "application/octet-stream",
        "application/octet-stream",
        "message/rfc822",
        "application/octet-stream",
    ]
    assert parts[0].get_filename() == "r\u00e9sum\u00e9.pdf"
    assert parts[0].get_payload(decode=True) == b"%PDF-1"
    assert parts[1].get_param("method") == "REQUEST"
    assert parts[2].get_payload(decode=True) == b"\x00\xff"
    assert parts[5].get_payload(decode=True) == files[5].octets


def test_an_inline_image_has_its_content_id() -> None:
    message = read(build(html="<img src='cid:logo'>", attachments=[IMAGE]))
    image = list(message.iter_parts())[1]
    assert image["content-id"] == "<logo>"
    assert image.get_content_disposition() == "inline"
    assert image.get_payload(decode=True) == PNG


def test_own_headers_go_along() -> None:
    headers = {
        "X-Entity-Ref-ID": "123",
        "List-Unsubscribe": "<https://example.com/u?" + "x" * 300 + ">",
        "X-Name": "h\u00e9",
        "message-id": "<own@example.com>",
        "References": " ".join(f"<{number}@example.com>" for number in range(30)),
    }
    composed = build(text="x", headers=headers)
    message = read(composed)
    assert composed.message_id == message["message-id"] == "<own@example.com>"
    assert message["x-entity-ref-id"] == "123"
    assert message["x-name"] == "h\u00e9"
    assert message["list-unsubscribe"] == headers["List-Unsubscribe"]
    assert message["references"] == headers["References"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"subject": "a\r\nBcc: x@example.com"}, "`subject` must not contain a line break"),
        ({"headers": {"X-A": "a\nb"}}, "`headers.X-A` must not contain a line break"),
        ({"headers": {"X A": "a"}}, "`headers` has a name"),
        ({"headers": {"Bcc": "a"}}, "use the `bcc` field"),
        ({"headers": {"Reply-To": "a"}}, "use the `reply_to` field"),
        ({"headers": {"content-type": "a"}}, "the server writes it"),
        ({"headers": {"Message-ID": "x"}}, "must be like"),
        ({"headers": {"X-A": "a" * 9000}}, "at most 8000"),
        ({"subject": "a" * 9000}, "at most 8000"),
        ({"headers": {f"X-{number}": "" for number in range(101)}}, "at most 100"),
        ({"attachments": [Attachment("a\r\nb", b"")]}, "`attachments.filename`"),
        ({"attachments": [Attachment("a", b"", "x")]}, "`attachments.content_type` must be like"),
        ({"attachments": [Attachment("a", b"", "a/b; x\r\ny")]}, "must be like"),
        ({"attachments": [Attachment("a", b"", "multipart/mixed")]}, "multipart"),
        ({"attachments": [Attachment("a", b"", content_id="a b")]}, "`attachments.content_id`"),
    ],
)
def test_what_is_refused_names_the_field(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(Invalid, match=match):
        build(text="x", **changes)


def test_an_address_in_utf8_needs_smtputf8() -> None:
    composed = build(text="x", to=[Mailbox("", "\u00e9", "example.com")])
    assert composed.needs_smtputf8
    assert "To: \u00e9@example.com\r\n".encode() in composed.header
    assert not build(text="x").needs_smtputf8


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=3),
    st.text(max_size=30),
)
def test_no_text_can_add_a_field(subject: str, headers: dict[str, str], name: str) -> None:
    try:
        composed = build(
            subject=subject, headers=headers, text="x", attachments=[Attachment(name, b"x")]
        )
    except Invalid:
        return
    names = [
        line.partition(b":")[0].lower()
        for line in composed.header.split(b"\r\n")
        if line and line[:1] != b" "
    ]
    ours = [b"date", b"from", b"to", b"subject", b"message-id"]
    extra = [key.lower().encode() for key in headers if key.lower() != "message-id"]
    assert names == [*ours, *extra, b"mime-version", b"content-type"]
