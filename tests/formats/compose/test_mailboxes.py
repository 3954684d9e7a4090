"""RFC 5322 section 3.4: the addresses that programs give us."""

from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import Invalid
from postroad.formats.compose.mailboxes import Mailbox, address_field, parse_mailbox


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("a@example.com", Mailbox("", "a", "example.com")),
        (" A <a.b+c@Example.COM> ", Mailbox("A", "a.b+c", "example.com")),
        ("<a@example.com>", Mailbox("", "a", "example.com")),
        ('"Doe, J\\"" <a@example.com>', Mailbox('Doe, J"', "a", "example.com")),
        ("Acme, Inc. <a@example.com>", Mailbox("Acme, Inc.", "a", "example.com")),
        ("Acme <3 you <a@example.com>", Mailbox("Acme <3 you", "a", "example.com")),
        ("a@b\u00fccher.example", Mailbox("", "a", "xn--bcher-kva.example")),
        ("\u00e9@example.com", Mailbox("", "\u00e9", "example.com")),
        ('"a b"@example.com', Mailbox("", '"a b"', "example.com")),
    ],
)
def test_addresses(text: str, mailbox: Mailbox) -> None:
    assert parse_mailbox(text, "to") == mailbox


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@example.com",
        "a@localhost",
        "a@1.2.3.4",
        "a@-x.com",
        "a@exa mple.com",
        "a..b@example.com",
        ".a@example.com",
        "a b@example.com",
        "a@example.com, b@example.com",
        "A <a@example.com",
        "a@example.com>",
        "A <a@example.com> x",
        "a@example.com\r\nBcc: b@example.com",
        "x" * 65 + "@example.com",
        "a@" + "x" * 64 + ".com",
        "a@xn--\u00fc.com",
        "a@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match="`reply_to`"):
        parse_mailbox(text, "reply_to")


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("Ann", "Ann <a@x.example>"),
        ("Ann B", "Ann B <a@x.example>"),
        ("B, Ann", '"B, Ann" <a@x.example>'),
        ('a"b\\', '"a\\"b\\\\" <a@x.example>'),
        ("H\u00e9", "=?utf-8?q?H=C3=A9?= <a@x.example>"),
        ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@x.example>"),
    ],
)
def test_names_are_quoted_or_encoded(name: str, encoded: str) -> None:
    assert Mailbox(name, "a", "x.example").encode() == encoded


def test_many_recipients_are_folded() -> None:
    mailboxes = [Mailbox(f"Name {number}", f"user{number}", "example.com") for number in range(50)]
    field = address_field("To", mailboxes)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    message = message_from_bytes(field + b"\r\n", policy=SMTP)
    assert [address.addr_spec for address in message["to"].addresses] == [
        mailbox.addr_spec for mailbox in mailboxes
    ]


@given(st.text(max_size=80))
def test_whatever_text_comes_only_invalid_is_raised(text: str) -> None:
    for candidate in (text, f"{text}@example.com", f"a@{text}", f"{text} <a@example.com>"):
        try:
            mailbox = parse_mailbox(candidate, "to")
        except Invalid:
            continue
        assert b"\r" not in address_field("To", [mailbox]).replace(b"\r\n ", b"")[:-2]
