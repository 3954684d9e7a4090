import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import msgid
from postroad.formats.mime.headers import Header

CASES = [
    ("<a@b>", ("a@b",)),
    ("<a@b> <c@d>\t<a@b>", ("a@b", "c@d")),
    ("<a@b>,<c@d>", ("a@b", "c@d")),
    ('<"a b"@c>', ("ab@c",)),
    ('<"01KF8JCEOCBS0045PS"@xxx.yyy.com>', ("01KF8JCEOCBS0045PS@xxx.yyy.com",)),
    ("<a\t@b>", ("a@b",)),
    ('<"a>b"@c>', ("a>b@c",)),
    ("a@b", ("a@b",)),
    ("<a>", ()),
    ("", ()),
    ("<a@b", ("a@b",)),
    ("<" + "a" * 600 + "@b>", ()),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_identifiers(text: str, expected: tuple[str, ...]) -> None:
    assert msgid.find_all(text) == expected


def test_the_first_and_the_latest_are_kept() -> None:
    found = msgid.find_all(" ".join(f"<{n}@b>" for n in range(500)))
    assert len(found) == 100
    assert found[0] == "0@b"
    assert found[1] == "401@b"
    assert found[-1] == "499@b"


def test_references_and_what_in_reply_to_adds() -> None:
    header = Header(b"References: <a@b>\r\n <c@d>\r\nIn-Reply-To: <c@d> <e@f>\r\n")
    assert msgid.references(header) == ("a@b", "c@d", "e@f")
    assert msgid.references(Header(b"In-Reply-To: <c@d>\r\n")) == ("c@d",)
    assert msgid.references(Header(b"In-Reply-To: Your message of Monday, a@b\r\n")) == ()
    assert msgid.references(Header(b"")) == ()
    assert msgid.message_id(Header(b"Message-ID: <a@b> \r\n")) == "a@b"
    assert msgid.message_id(Header(b"Message-ID: nothing\r\n")) is None
    assert msgid.message_id(Header(b"")) is None


def test_references_are_few() -> None:
    many = b" ".join(b"<%d@b>" % n for n in range(300))
    header = Header(
        b"References: %b\r\nReferences: %b\r\nIn-Reply-To: <x@y>\r\n" % (many, many[::-1])
    )
    found = msgid.references(header)
    assert len(found) <= 100
    assert found[-1] == "x@y"


@given(st.text('<>"\\@ab '))
def test_any_text_has_identifiers(text: str) -> None:
    for identifier in msgid.find_all(text):
        assert "@" in identifier
