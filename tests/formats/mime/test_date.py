from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.date import parse

# The first ones are of RFC 5322 appendix A.
DATES = [
    ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06"),
    ("Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37"),
    ("Thu,\t13\tFeb\t1969\t23:32\t-0330 (Newfoundland Time)", "1969-02-14T03:02:00"),
    ("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06"),
    ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06"),
    ("Mon, 7 Feb 1994 21:52:25 -0800 (PST)", "1994-02-08T05:52:25"),
    ("7 Feb 1994", "1994-02-07T00:00:00"),
    ("7 Feb 49 00:00 EST", "2049-02-07T05:00:00"),
    ("7 Feb 50 00:00 PDT", "1950-02-07T07:00:00"),
    ("7 Feb 103 00:00", "2003-02-07T00:00:00"),
    ("7 Feb 1994 21:52:25 Z", "1994-02-07T21:52:25"),
    ("7 Feb 1994 21:52:25 A", "1994-02-07T21:52:25"),
    ("7 Feb 1994 21:52:25 XYZ", "1994-02-07T21:52:25"),
    ("7 February 1994 9:52:25 PM", "1994-02-07T21:52:25"),
    ("7 Feb 1994 12:00 am", "1994-02-07T00:00:00"),
    ("7-Feb-1994 21:52:25 +00:00", "1994-02-07T21:52:25"),
    ("7 Feb 1994 21:52:25 GMT+0100", "1994-02-07T20:52:25"),
    ("7 Feb 1994 23:59:60 +0000", "1994-02-08T00:00:00"),
    ("7 Feb 1994 25:00:00 +0000", "1994-02-07T00:00:00"),
    ("7 Feb 1994 21.52.25", "1994-02-07T21:52:25"),
    ("Mon Feb  7 21:52:25 1994", "1994-02-07T21:52:25"),
    ("Mon Feb  7 21:52:25 PST 1994", "1994-02-07T21:52:25"),
    ("", None),
    ("yesterday", None),
    ("31 Feb 1994 00:00", None),
    ("7 Foo 1994 00:00", None),
    ("7 Feb 0000 00:00", None),
    ("(7 Feb 1994", None),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_dates(text: str, expected: str | None) -> None:
    found = parse(text)
    if expected is None:
        assert found is None
        return
    assert found is not None
    moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.at_microseconds == int(moment.timestamp()) * 1_000_000


def test_the_day_is_the_senders() -> None:
    found = parse("Mon, 7 Feb 1994 21:52:25 -0800")
    assert found is not None
    assert found.on == date(1994, 2, 7)


@given(st.text("0123456789 :+-,FebMonGT()"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    parse(text)
    parse("7 Feb 1994 " + text)
