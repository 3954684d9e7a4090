import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import thread
from postroad.formats.mime.address import parse_address_list
from postroad.formats.mime.headers import Header

# RFC 5256 section 2.1.
SUBJECTS = [
    ("", ""),
    ("hello", "hello"),
    ("Re: hello", "hello"),
    ("RE: Fw: fwd: re[2]: hello", "hello"),
    ("re :hello", "hello"),
    ("Re:hello (fwd)  (FWD) ", "hello"),
    ("[list] hello", "hello"),
    ("[list] Re: [list] hello", "hello"),
    ("Re: [list] [two] hello", "hello"),
    ("[list]", "[list]"),
    ("[one] [two]", "[two]"),
    ("Re: [list]", "[list]"),
    ("[Fwd: hello]", "hello"),
    ("[fwd: Re: [x] hello (fwd)]", "hello"),
    ("Fwd: [fwd: hello] (fwd)", "hello"),
    ("[fwd: hello", "[fwd: hello"),
    ("hello\t  world", "hello world"),
    ("=?utf-8?q?Re=3A_caf=C3=A9?=", "café"),
    ("Re:", ""),
    ("Re", "Re"),
    ("Reply: hello", "Reply: hello"),
    ("Aw: hello", "Aw: hello"),
    ("[a[b]] hello", "[a[b]] hello"),
    ("Re: Re: Re:", ""),
]


@pytest.mark.parametrize(("subject", "base"), SUBJECTS)
def test_base_subject(subject: str, base: str) -> None:
    assert thread.base_subject(subject) == base


@given(st.text("Re: [fwd]()x\t"))
def test_the_base_of_a_base_is_itself(subject: str) -> None:
    base = thread.base_subject(subject)
    assert thread.base_subject(base) == base


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: x", True),
        ("[a] fwd: x", True),
        ("x (fwd)", True),
        ("[fwd: x]", True),
        ("[a] x", False),
    ],
)
def test_replies_and_forwards(subject: str, expected: bool) -> None:
    assert thread.is_reply_or_forward(subject) is expected


def test_collation() -> None:
    assert thread.collation_key("Straße é") == thread.collation_key("straße É")
    assert thread.collation_key("abc_") == "ABC_"
    assert len(thread.collation_key("ﷺ" * 500)) == thread.KEY_LIMIT
    assert thread.sort_subject("Re: b") == "B"
    assert thread.sort_subject(None) == ""


def test_collation_of_ascii() -> None:
    assert thread.ascii_key("Straße é") == "STRAßE é"
    assert sorted(["é", "z", "Z", "\U0001f600", "\uffff"], key=thread.ascii_key)[2:] == [
        "é",
        "\uffff",
        "\U0001f600",
    ]


def test_addresses() -> None:
    assert thread.sort_address(()) == ""
    assert thread.sort_address(parse_address_list("X <b@c>, a@c")) == "B"
    assert thread.sort_address(parse_address_list("G: a@c;")) == "G"
    assert thread.display_name(()) == ""
    assert thread.display_name(parse_address_list("=?utf-8?q?=C3=A9?= <b@c>")) == "é"
    assert thread.display_name(parse_address_list("b@c")) == "b@c"
    assert thread.display_name(parse_address_list("G: a@c;")) == "G"


def test_sent_date() -> None:
    found = thread.sent_date(Header(b"Date: Thu, 1 Jan 1970\r\n 00:00:01 +0000\r\n"))
    assert found is not None
    assert found.at_microseconds == 1_000_000
    assert thread.sent_date(Header(b"")) is None
