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


_ACTIONS = {action.value: action for action in Action}


def parse_store(cursor: Cursor) -> Store:
    cursor.sp()
    messages = cursor.sequence_set()
    cursor.sp()
    unchanged_since = _modifiers(cursor) if cursor.sees(b"(") else None
    name = cursor.word()
    silent = name.endswith(b".SILENT")
    action = _ACTIONS.get(name.removesuffix(b".SILENT"))
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


def _modifiers(cursor: Cursor) -> int:
    """``(UNCHANGEDSINCE n)``, the only modifier (RFC 7162 section 3.1.3)."""
    cursor.expect(b"(")
    cursor.expect(b"UNCHANGEDSINCE")
    cursor.sp()
    mod_seq = cursor.number64()
    cursor.expect(b")")
    cursor.sp()
    return mod_seq
