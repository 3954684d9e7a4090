"""Versions of a mailbox: what lies between two of them, however much they share."""

from array import array
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad.core.mailbox import snapshot as module
from postroad.core.mailbox.snapshot import Snapshot, apply, difference, lacking
from postroad.model.ids import MailboxId, MailboxName, ModSeq, Uid, UidValidity
from postroad.model.mailbox import Mailbox, MailboxChanges, Placements

_ONE = ModSeq(1)
BOX = Mailbox(
    MailboxId(1),
    MailboxName("INBOX"),
    None,
    UidValidity(1),
    Uid(1),
    _ONE,
    _ONE,
    messages=0,
    octets=0,
    selectable=True,
)
UIDS = st.dictionaries(st.integers(1, 60), st.integers(1, 3), max_size=60)


def placements(mod_seqs: Mapping[int, int]) -> Placements:
    uids = sorted(mod_seqs)
    return Placements(
        array("I", uids),
        array("Q", [2 * uid for uid in uids]),
        array("I", [0] * len(uids)),
        array("Q", [mod_seqs[uid] for uid in uids]),
        ((0, ""),),
    )


@pytest.fixture(autouse=True, params=[3, 1024])
def small_chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", request.param)
    monkeypatch.setattr(module, "_FEW", 4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(UIDS, UIDS)
def test_the_difference_of_any_two(old: dict[int, int], new: dict[int, int]) -> None:
    before, now = Snapshot(BOX, placements(old)), Snapshot(BOX, placements(new))
    found = difference(before, now)
    last = max(old, default=0)
    assert list(found.expunged) == sorted(old.keys() - new.keys())
    assert list(found.appended) == sorted(uid for uid in new if uid > last)
    # A version that is older than the one before has messages back.
    assert list(found.changed) == sorted(
        uid for uid in new if uid <= last and old.get(uid) != new[uid]
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(UIDS, st.sets(st.integers(1, 70)))
def test_what_is_gone_is_left_out(old: dict[int, int], gone: set[int]) -> None:
    changes = MailboxChanges(BOX, array("I", sorted(gone)), placements({}), complete=True)
    now = apply(Snapshot(BOX, placements(old)), changes)
    assert now.placements == placements({uid: old[uid] for uid in old.keys() - gone})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_places_of_what_is_lacking(before: set[int], now: set[int]) -> None:
    uids = sorted(before)
    found = lacking(array("I", uids), array("I", sorted(now)))
    assert [uids[place] for place in found] == sorted(before - now)
