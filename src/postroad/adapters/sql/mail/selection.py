"""Choosing messages in a statement: by a range where the UIDs form one, else by list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from postroad.adapters.sql.statement import Params, Sql
from postroad.model.ids import Uid

_MARK = "{these}"
_RANGE = "uid BETWEEN :first AND :last"
_LIST = "uid IN (SELECT value FROM {each uids})"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A statement in both forms; `{these}` stands for the choice of messages."""

    by_range: Sql
    by_list: Sql


def chosen(text: str) -> Chosen:
    return Chosen(Sql(text.replace(_MARK, _RANGE)), Sql(text.replace(_MARK, _LIST)))


def is_range(uids: Sequence[Uid]) -> bool:
    """Whether `in_range` has made a range of them."""
    return isinstance(uids, range)


def in_range(uids: Sequence[Uid]) -> Sequence[Uid]:
    """The same UIDs, as a range where they form one, so that `choose` sees it at once.

    A range is only made where it names nothing else, so gaps and other orders stay a list.
    """
    if is_range(uids):
        return uids
    first, last = uids[0], uids[-1]
    if last - first + 1 == len(uids) and list(uids) == list(range(first, last + 1)):
        return cast("Sequence[Uid]", range(first, last + 1))  # a range cannot say what it counts
    return uids


def choose(statement: Chosen, uids: Sequence[Uid], params: Params) -> tuple[Sql, Params]:
    """The form for these UIDs and its parameters."""
    uids = in_range(uids)
    if is_range(uids):
        return statement.by_range, {**params, "first": uids[0], "last": uids[-1]}
    return statement.by_list, {**params, "uids": uids}


EVERYTHING: tuple[Uid, Uid] = (Uid(1), Uid(2**32 - 1))


def everything(statement: Chosen, params: Params) -> tuple[Sql, Params]:
    """All messages of the mailbox."""
    first, last = EVERYTHING
    return statement.by_range, {**params, "first": first, "last": last}
