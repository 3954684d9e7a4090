"""Choosing messages in a statement: by a range where the UIDs form one, else by list."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def choose(statement: Chosen, uids: Sequence[Uid], params: Params) -> tuple[Sql, Params]:
    """The form for these UIDs and its parameters.

    A range is only taken when it names nothing else, so gaps and other orders make a list.
    """
    first, last = uids[0], uids[-1]
    if last - first + 1 == len(uids) and list(uids) == list(range(first, last + 1)):
        return statement.by_range, {**params, "first": first, "last": last}
    return statement.by_list, {**params, "uids": uids}


EVERYTHING: tuple[Uid, Uid] = (Uid(1), Uid(2**32 - 1))


def everything(statement: Chosen, params: Params) -> tuple[Sql, Params]:
    """All messages of the mailbox."""
    first, last = EVERYTHING
    return statement.by_range, {**params, "first": first, "last": last}
