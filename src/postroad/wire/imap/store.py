"""STORE and UID STORE as the client writes them (RFC 9051 section 6.4.6, RFC 7162)."""

from dataclasses import dataclass
from enum import Enum

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.sequence import SequenceSet

_MAX_FLAGS = 200


class Action(Enum):
    REPLACE = b"FLAGS"
    ADD = b"+FLAGS"
    REMOVE = b"-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """`unchanged_since` is None without the modifier; 0 matches no message with a sequence."""

    messages: SequenceSet
    action: Action
    flags: tuple[str, ...]
    silent: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class StoreLabels:
    """X-GM-LABELS instead of FLAGS, which takes no modifier."""

    messages: SequenceSet
    action: Action
    labels: tuple[str, ...]
    silent: bool = False


_ACTIONS = {action.value: action for action in Action}


_LABEL_ACTIONS = {
    b"X-GM-LABELS": Action.REPLACE,
    b"+X-GM-LABELS": Action.ADD,
    b"-X-GM-LABELS": Action.REMOVE,
}


def parse_store(cursor: Cursor) -> Store | StoreLabels:
    cursor.sp()
    messages = cursor.sequence_set()
    cursor.sp()
    unchanged_since = _modifiers(cursor) if cursor.sees(b"(") else None
    name = cursor.word()
    silent = name.endswith(b".SILENT")
    name = name.removesuffix(b".SILENT")
    if name in _LABEL_ACTIONS and unchanged_since is None:
        labels = _labels(cursor)
        return StoreLabels(messages, _LABEL_ACTIONS[name], labels, silent)
    action = _ACTIONS.get(name)
    if action is None:
        raise cursor.wrong("FLAGS, +FLAGS or -FLAGS")
    cursor.sp()
    flags = _flags(cursor)
    cursor.end()
    return Store(messages, action, tuple(dict.fromkeys(flags)), silent, unchanged_since)


def _flags(cursor: Cursor) -> tuple[str, ...]:
    """``flag-list`` or flags without parentheses."""
    if cursor.sees(b"("):
        return cursor.flag_list()
    flags = [cursor.flag()]
    while not cursor.at_end():
        cursor.sp()
        flags.append(cursor.flag())
        if len(flags) > _MAX_FLAGS:
            raise cursor.wrong(f"at most {_MAX_FLAGS} flags")
    return tuple(flags)


def _labels(cursor: Cursor) -> tuple[str, ...]:
    cursor.sp()
    if cursor.sees(b"("):
        labels = cursor.maybe_empty(cursor.label, limit=_MAX_FLAGS)
    else:
        labels = [cursor.label()]
    cursor.end()
    return tuple(dict.fromkeys(labels))


def _modifiers(cursor: Cursor) -> int:
    """``(UNCHANGEDSINCE n)``, the only modifier (RFC 7162 section 3.1.3)."""
    cursor.expect(b"(")
    cursor.expect(b"UNCHANGEDSINCE")
    cursor.sp()
    mod_seq = cursor.number64()
    cursor.expect(b")")
    cursor.sp()
    return mod_seq
