"""URLs of messages."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax
from postroad.wire.imap.fetch import Partial, What
from postroad.wire.imap.url import parse_url

TOKEN = b"91354a473744909de610943775f92038"


def test_the_example_of_rfc_4467() -> None:
    rump = b"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred"
    url = parse_url(rump + b":internal:" + TOKEN.upper())
    assert (url.user, url.host, url.mailbox, url.uid) == ("joe", "example.com", "INBOX", 20)
    assert url.section.path == (1, 2)
    assert url.auth is not None
    assert (url.auth.access, url.auth.userid) == ("submit", "fred")
    assert (url.auth.mechanism, url.auth.token) == ("INTERNAL", TOKEN.decode())
    assert url.auth.rump == rump
    begun = parse_url(rump).auth
    assert begun is not None
    assert (begun.token, begun.mechanism, begun.rump) == ("", "", rump)


def test_the_example_of_rfc_4469() -> None:
    url = parse_url(b"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME")
    assert (url.user, url.host, url.mailbox) == (None, None, "Drafts")
    assert (url.uid_validity, url.uid) == (385759045, 20)
    assert (url.section.path, url.section.what) == ((1,), What.MIME)
    assert url.auth is None


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        (b";UID=20", None),
        (b"/a/b/;UID=20", "a/b"),
        (b"/inBOX/;UID=20", "INBOX"),
        (b"/%E5%8F%B0%20%25/;UID=20", "台 %"),
        (b"imap://host:143/a/;UID=20", "a"),
        (b"imap://joe;AUTH=*@host/a/;UID=20", "a"),
        (b"imap://joe%40example.com@host/a/;UID=20", "a"),
    ],
)
def test_mailboxes(text: bytes, mailbox: str | None) -> None:
    assert parse_url(text).mailbox == mailbox


def test_user_with_an_at_sign() -> None:
    assert parse_url(b"imap://joe%40example.com@h/a/;UID=1").user == "joe@example.com"


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        (b";UID=1/;PARTIAL=5.10", Partial(5, 10)),
        (b";UID=1/;SECTION=TEXT/;PARTIAL=5", Partial(5, 2**63 - 1)),
    ],
)
def test_partial(text: bytes, partial: Partial) -> None:
    assert parse_url(text).section.partial == partial


def test_expiry() -> None:
    text = b";UID=1;EXPIRE=2001-02-03T04:05:06.5Z;URLAUTH=anonymous"
    auth = parse_url(text).auth
    assert auth is not None
    assert auth.expires == 981173106_500000


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"/",
        b"/a",
        b"/a/",
        b"/;UID=1",
        b"imap://host",
        b"imap://host/a",
        b"imap://host;UID=1",
        b"http://host/a/;UID=1",
        b"//host/a/;UID=1",
        b"/a/;UID=0",
        b"/a/;UID=4294967296",
        b"/a/;UID=1?SUBJECT%20x",
        b"/a;UIDVALIDITY=0/;UID=1",
        b"/a/;UID=1/;section=",
        b"/a/;UID=1/;section=0",
        b"/a/;UID=1/;section=1.FOO",
        b"/a/;UID=1/;section=1]x[",
        b"/a/;UID=1/;section=1%0d%0a",
        b"/a/;UID=1/;partial=1.0",
        b"/a/;UID=1/;partial=-1",
        b"/%ff/;UID=1",
        b"/%00/;UID=1",
        b"/a b/;UID=1",
        b"/%zz/;UID=1",
        "/ä/;UID=1".encode(),
        b"/a/;UID=1;EXPIRE=2001-02-03T04:05:06Z",
        b"/a/;UID=1;EXPIRE=2001-02-30T04:05:06Z;URLAUTH=anonymous",
        b"/a/;UID=1;EXPIRE=2001-02-03T04:05:06;URLAUTH=anonymous",
        b"/a/;UID=1;URLAUTH=nobody",
        b"/a/;UID=1;URLAUTH=user+",
        b"/a/;UID=1;URLAUTH=anonymous:INTERNAL:12",
        b"/a/;UID=1;URLAUTH=anonymous:INTERNAL:" + TOKEN + b"x",
        b"/" + b"a" * 5000 + b"/;UID=1",
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_url(text)


_PIECES = [b"/", b";UID=", b"1", b"imap://", b"a", b"@", b";", b"%", b"0a", b"/;SECTION=", b"1.2"]
_PIECES += [
    b"/;PARTIAL=",
    b".",
    b";EXPIRE=",
    b"9999-12-31T23:59:60Z",
    b";URLAUTH=",
    b"user+",
    b":",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map(b"".join) | st.binary(max_size=100))
@example(b";UID=1;EXPIRE=0001-01-01T00:00:00+23:59;URLAUTH=anonymous")
@example(b";UID=1;EXPIRE=9999-12-31T23:59:59-23:59;URLAUTH=anonymous")
def test_nothing_but_syntax_errors(octets: bytes) -> None:
    try:
        parse_url(octets)
    except BadSyntax:
        return
