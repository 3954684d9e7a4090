"""LIST and LSUB as the client writes them (RFC 9051 section 6.3.9, RFC 5258)."""

from dataclasses import dataclass
from enum import Flag, auto

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.metadata import parse_entry_list
from postroad.wire.imap.status import StatusItem, status_items

_MAX_PATTERNS = 100
_MAX_OPTIONS = 20


class Selection(Flag):
    """Which mailboxes are meant (RFC 5258 section 3.1, RFC 6154 section 5.1)."""

    SUBSCRIBED = auto()
    REMOTE = auto()
    RECURSIVEMATCH = auto()
    SPECIAL_USE = auto()


class ListReturn(Flag):
    """What is said about each (RFC 5258 section 3.2, RFC 6154, RFC 5819, RFC 8440)."""

    SUBSCRIBED = auto()
    CHILDREN = auto()
    SPECIAL_USE = auto()
    MYRIGHTS = auto()


_NO_SELECTION = Selection(0)
_NO_RETURN = ListReturn(0)


@dataclass(frozen=True, slots=True)
class List:
    """`is_extended` is False for the form of RFC 3501 with one pattern and no options.

    `status` and `entries` are empty unless STATUS and METADATA were among the return options.
    """

    reference: str
    patterns: tuple[str, ...]
    selection: Selection = _NO_SELECTION
    returns: ListReturn = _NO_RETURN
    status: tuple[StatusItem, ...] = ()
    entries: tuple[str, ...] = ()  # of METADATA (RFC 9590)
    is_extended: bool = False


_SELECTION = {
    b"SUBSCRIBED": Selection.SUBSCRIBED,
    b"REMOTE": Selection.REMOTE,
    b"RECURSIVEMATCH": Selection.RECURSIVEMATCH,
    b"SPECIAL-USE": Selection.SPECIAL_USE,
}
_RETURNS = {
    b"SUBSCRIBED": ListReturn.SUBSCRIBED,
    b"CHILDREN": ListReturn.CHILDREN,
    b"SPECIAL-USE": ListReturn.SPECIAL_USE,
    b"MYRIGHTS": ListReturn.MYRIGHTS,
}


def parse_list(cursor: Cursor) -> List:
    cursor.sp()
    selection = None
    if cursor.sees(b"("):
        selection = _selection(cursor)
        cursor.sp()
    reference = cursor.mailbox()
    cursor.sp()
    many = cursor.sees(b"(")
    patterns = _patterns(cursor) if many else (cursor.list_mailbox(),)
    returns = ListReturn(0)
    status: tuple[StatusItem, ...] = ()
    entries: tuple[str, ...] = ()
    has_returns = not cursor.at_end()
    if has_returns:
        cursor.sp()
        returns, status, entries = _returns(cursor)
    cursor.end()
    is_extended = selection is not None or many or has_returns
    selection = selection or Selection(0)
    return List(reference, patterns, selection, returns, status, entries, is_extended)


def parse_lsub(cursor: Cursor) -> List:
    """LSUB (RFC 3501 section 6.3.9), which IMAP4rev2 dropped."""
    cursor.sp()
    reference = cursor.mailbox()
    cursor.sp()
    pattern = cursor.list_mailbox()
    cursor.end()
    return List(reference, (pattern,), Selection.SUBSCRIBED)


def _patterns(cursor: Cursor) -> tuple[str, ...]:
    return tuple(cursor.parenthesized(cursor.list_mailbox, limit=_MAX_PATTERNS))


def _selection(cursor: Cursor) -> Selection:
    chosen = Selection(0)
    for word in cursor.maybe_empty(cursor.word, limit=_MAX_OPTIONS):
        if (option := _SELECTION.get(word)) is None:
            raise cursor.wrong("a known list selection option")
        chosen |= option
    # RFC 5258 section 3.1: RECURSIVEMATCH refines another option, and REMOTE is none to refine.
    if Selection.RECURSIVEMATCH in chosen and not chosen & (
        Selection.SUBSCRIBED | Selection.SPECIAL_USE
    ):
        raise cursor.wrong("an option beside RECURSIVEMATCH")
    return chosen


def _returns(cursor: Cursor) -> tuple[ListReturn, tuple[StatusItem, ...], tuple[str, ...]]:
    chosen = ListReturn(0)
    status: list[tuple[StatusItem, ...]] = [()]
    entries: list[tuple[str, ...]] = [()]

    def option() -> ListReturn:
        word = cursor.word()
        if word == b"STATUS":  # RFC 5819 section 2
            cursor.sp()
            status.append(status_items(cursor))
            return ListReturn(0)
        if word == b"METADATA":
            cursor.sp()
            entries.append(parse_entry_list(cursor))
            return ListReturn(0)
        if word not in _RETURNS:
            raise cursor.wrong("a known list return option")
        return _RETURNS[word]

    cursor.expect(b"RETURN")
    cursor.sp()
    for each in cursor.maybe_empty(option, limit=_MAX_OPTIONS):
        chosen |= each
    return chosen, status[-1], entries[-1]
