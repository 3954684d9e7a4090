"""Addresses on the wire, from RFC 5321 section 4.1.2 and RFC 6531 section 3.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax
from postroad.wire.smtp.paths import Mailbox, parse_address, parse_path

GOOD = [
    ("a@example.com", Mailbox("a", "example.com"), "a@example.com"),
    ("a.b+c@EXAMPLE.com", Mailbox("a.b+c", "EXAMPLE.com"), "a.b+c@EXAMPLE.com"),
    ('"a"@example.com', Mailbox("a", "example.com"), "a@example.com"),
    ('"a\\b"@example.com', Mailbox("ab", "example.com"), "ab@example.com"),
    ('"a b"@example.com', Mailbox("a b", "example.com"), '"a b"@example.com'),
    ('"a\\"@b"@example.com', Mailbox('a"@b', "example.com"), '"a\\"@b"@example.com'),
    ('"..."@example.com', Mailbox("...", "example.com"), '"..."@example.com'),
    ('""@example.com', Mailbox("", "example.com"), '""@example.com'),
    ("a@[192.0.2.1]", Mailbox("a", "[192.0.2.1]"), "a@[192.0.2.1]"),
    ("a@[IPv6:2001:db8::1]", Mailbox("a", "[IPv6:2001:db8::1]"), "a@[IPv6:2001:db8::1]"),
    ("a@localhost", Mailbox("a", "localhost"), "a@localhost"),
    ("a@1.2.3.example", Mailbox("a", "1.2.3.example"), "a@1.2.3.example"),
    ("x" * 64 + "@e", Mailbox("x" * 64, "e"), "x" * 64 + "@e"),
]
BAD = [
    "",
    "a",
    "@example.com",
    "a@",
    "a@@b",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a b@c",
    "a@b c",
    "a@.b",
    "a@b.",
    "a@b..c",
    "a@-b",
    "a@b-",
    "a@b_c",
    "a@[1.2.3]",
    "a@[1.2.3.256]",
    "a@[IPv6:1:2]",
    "a@[2001:db8::1]",
    "a@[192.0.2.1",
    "a@192.0.2.1]",
    '"a@b',
    '"a""b"@c',
    '"a\r\n"@c',
    "a\r\n@c",
    "x" * 65 + "@e",
    "a@" + "x" * 64,
    "a@" + "x." * 127 + "xx",
    "é@example.com",
    "a@bücher.example",
    "a(comment)@b",
]


@pytest.mark.parametrize(("text", "mailbox", "spelled"), GOOD)
def test_an_address_goes_there_and_back(text: str, mailbox: Mailbox, spelled: str) -> None:
    assert parse_address(text) == mailbox
    assert mailbox.address == spelled
    assert parse_address(spelled) == mailbox
    assert parse_path(f"<{text}> X=1") == (mailbox, " X=1")


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["é@example.com", "a@bücher.example", '"é è"@例え.テスト', "用户@例子.广告"]
)
def test_utf8_is_taken_when_it_was_asked_for(text: str) -> None:
    mailbox = parse_address(text, utf8=True)
    assert not mailbox.is_ascii
    assert mailbox.address == text
    with pytest.raises(BadSyntax):
        parse_address(text)


@pytest.mark.parametrize("text", ["<@a:b@c>", "<@a.example,@b.example:b@c>"])
def test_a_source_route_is_dropped(text: str) -> None:
    assert parse_path(text) == (Mailbox("b", "c"), "")


@pytest.mark.parametrize(
    "text", ["<@a b@c>", "<@:b@c>", "<@a,b:b@c>", "<@" + "a." * 600 + "a:b@c>"]
)
def test_a_bad_source_route_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_path(text)


@given(st.text(max_size=60), st.booleans())
def test_whatever_comes_only_bad_syntax_is_raised(text: str, utf8: bool) -> None:
    try:
        mailbox, _ = parse_path("<" + text, utf8=utf8)
    except BadSyntax:
        return
    if mailbox is not None and mailbox.domain:
        assert parse_address(mailbox.address, utf8=utf8) == mailbox
