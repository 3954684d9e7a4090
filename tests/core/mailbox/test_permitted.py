"""What rights leave of a wish (RFC 4314 section 4)."""

import pytest

from postroad.base.errors import NotPermitted
from postroad.core.mailbox.permitted import permitted_change, permitted_flags
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.model.sharing import ALL_RIGHTS, Rights

NONE: frozenset[str] = frozenset()
WORK = frozenset({"$work"})


@pytest.mark.parametrize("action", FlagAction)
def test_the_owner_gets_what_was_asked_for(action: FlagAction) -> None:
    change = FlagChange(action, Flags.SEEN | Flags.DELETED, WORK)
    assert permitted_change(change, ALL_RIGHTS) is change


@pytest.mark.parametrize(
    ("rights", "flags", "keywords"),
    [
        (Rights.SEEN, Flags.SEEN, NONE),
        (Rights.DELETE_MESSAGES, Flags.DELETED, NONE),
        (Rights.WRITE, Flags.DRAFT, WORK),
        (Rights.WRITE | Rights.SEEN, Flags.DRAFT | Flags.SEEN, WORK),
    ],
)
def test_what_is_left_of_adding(rights: Rights, flags: Flags, keywords: frozenset[str]) -> None:
    asked = Flags.SEEN | Flags.DELETED | Flags.DRAFT
    left = permitted_change(FlagChange(FlagAction.ADD, asked, WORK), rights)
    assert left == FlagChange(FlagAction.ADD, flags, keywords)
    assert permitted_flags(asked, WORK, rights) == (flags, keywords)


def test_replacing_keeps_the_rest() -> None:
    left = permitted_change(FlagChange(FlagAction.REPLACE, Flags.SEEN, NONE), Rights.SEEN)
    assert left.flags == Flags.SEEN
    assert left.keeps == Flags.ANSWERED | Flags.FLAGGED | Flags.DELETED | Flags.DRAFT
    assert left.keeps_keywords
    assert left.replaced(Flags.DRAFT) == Flags.DRAFT | Flags.SEEN


@pytest.mark.parametrize(
    "change",
    [
        FlagChange(FlagAction.ADD, Flags.DELETED, NONE),
        FlagChange(FlagAction.REMOVE, Flags.FLAGGED, NONE),
        FlagChange(FlagAction.ADD, Flags.NONE, WORK),
        FlagChange(FlagAction.REPLACE, Flags.DRAFT, NONE),
    ],
)
def test_where_nothing_is_left_it_is_refused(change: FlagChange) -> None:
    with pytest.raises(NotPermitted):
        permitted_change(change, Rights.SEEN | Rights.READ)


def test_without_any_right_nothing_can_be_taken_away() -> None:
    change = FlagChange(FlagAction.REPLACE, Flags.NONE, NONE)
    with pytest.raises(NotPermitted):
        permitted_change(change, Rights.READ | Rights.INSERT)
