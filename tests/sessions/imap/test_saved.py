"""Search keys that can be kept as a virtual mailbox."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import Invalid
from postroad.sessions.imap.saved import parse_saved
from postroad.wire.imap.searchkeys import And, HasFlag, HasHeader

BOSS = HasHeader("from", "boss@")


def test_keys() -> None:
    assert parse_saved("FROM boss@") == BOSS
    assert parse_saved('UNSEEN FROM "boss@"') == And((HasFlag("\\Seen", wanted=False), BOSS))
    assert parse_saved('SUBJECT "Grüße"') == HasHeader("subject", "Grüße")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NONSENSE",
        "FROM",
        "UNSEEN )",
        "1:5",
        "UID 1:5",
        "NOT $",
        "OR SEEN RECENT",
        "(SEEN NEW)",
        "MODSEQ 7",
        "YOUNGER 60",
        "FILTER mine",
        "FUZZY RECENT",
        "X-GM-RAW x",
        "OR SEEN X-GM-LABELS x",
        "X-GM-MSGID 1",
        "SUBJECT " + "x" * 10_000,
        "FROM {3}",
        "SUBJECT \ud800",
    ],
)
def test_what_cannot_be_kept(text: str) -> None:
    with pytest.raises(Invalid):
        parse_saved(text)


@given(st.text(max_size=50))
def test_whatever_comes_is_a_search_or_refused(text: str) -> None:
    with suppress(Invalid):
        parse_saved(text)
