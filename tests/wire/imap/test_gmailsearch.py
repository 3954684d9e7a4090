"""The search language of X-GM-RAW."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax
from postroad.wire.imap import searchkeys as s
from postroad.wire.imap.gmailsearch import parse_raw

UNREAD = s.HasFlag("\\Seen", wanted=False)
FROM = s.HasHeader("from", "amy")


def text(word: str) -> s.Key:
    return s.HasText(s.Where.TEXT, word)


GOOD: list[tuple[str, s.Key]] = [
    ("dinner", text("dinner")),
    (' "two words" ', text("two words")),
    ("from:amy", FROM),
    ("FROM:amy is:unread", s.And((FROM, UNREAD))),
    ('subject:"two words"', s.HasHeader("subject", "two words")),
    (
        "subject:(two words)",
        s.And((s.HasHeader("subject", "two"), s.HasHeader("subject", "words"))),
    ),
    ("-from:amy", s.Not(FROM)),
    ("from:amy OR is:unread", s.Or((FROM, UNREAD))),
    ("a b OR c d", s.And((text("a"), s.Or((text("b"), text("c"))), text("d")))),
    ("{from:amy is:unread}", s.Or((FROM, UNREAD))),
    ("-(from:amy is:unread)", s.Not(s.And((FROM, UNREAD)))),
    ("( a )", text("a")),
    ("or", text("or")),
    ("has:attachment in:unread", s.And((s.HasAttachment(), UNREAD))),
    ("filename:pdf", s.HasAttachment("pdf")),
    ("is:starred", s.HasFlag("\\Flagged", wanted=True)),
    ("is:read", s.HasFlag("\\Seen", wanted=True)),
    ("in:inbox", s.HasLabel("\\Inbox")),
    ("in:anywhere", s.All()),
    ("label:my-work", s.HasLabel("my-work", is_loose=True)),
    ('in:"My Work"', s.HasLabel("My Work", is_loose=True)),
    ("before:2024/02/29", s.Dated(s.Side.BEFORE, date(2024, 2, 29), sent=False)),
    ("after:2024-1-2", s.Dated(s.Side.SINCE, date(2024, 1, 2), sent=False)),
    ("older_than:2d", s.Within(2 * 86_400, younger=False)),
    ("newer_than:1m", s.Within(30 * 86_400, younger=True)),
    ("larger:10M", s.Sized(s.Side.SINCE, 10 * 2**20)),
    ("smaller:5kb", s.Sized(s.Side.BEFORE, 5 * 1024)),
    ("size:7", s.Sized(s.Side.SINCE, 7)),
]


@pytest.mark.parametrize(("raw", "key"), GOOD)
def test_read(raw: str, key: s.Key) -> None:
    assert parse_raw(raw) == key


def test_to_is_whoever_it_was_for() -> None:
    copies = s.Or((s.HasHeader("cc", "bob"), s.HasHeader("bcc", "bob")))
    assert parse_raw("to:bob") == s.Or((s.HasHeader("to", "bob"), copies))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "-",
        "OR",
        "a OR",
        "(a",
        "a)",
        "{a",
        "{}",
        "()",
        '"a',
        "from:",
        "from: amy",
        "from:()",
        "from:(a",
        "nonsense:x",
        "12:30",
        "has:nothing",
        "is:odd",
        "before:2024/02/30",
        "before:yesterday",
        "older_than:2h",
        "older_than:0d",
        "older_than:\u0662d",
        "larger:big",
        "a " * 501,
        "from:(" + "a " * 501 + ")",
        "-" * 60 + "a",
        "(" * 60 + "a" + ")" * 60,
    ],
)
def test_wrong_syntax_is_told(raw: str) -> None:
    with pytest.raises(BadSyntax, match="in X-GM-RAW"):
        parse_raw(raw)


def test_much_of_it_is_read_at_once() -> None:
    assert isinstance(parse_raw("a " * 500), s.And)


@given(st.text(alphabet=st.sampled_from('ab:"-(){} OR\t/1from'), max_size=60))
def test_nothing_but_bad_syntax_comes_out(raw: str) -> None:
    with suppress(BadSyntax):
        parse_raw(raw)
