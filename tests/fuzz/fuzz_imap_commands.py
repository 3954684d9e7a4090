"""Fuzz the grammar of every IMAP command: only `WireError`."""

import contextlib
from collections.abc import Callable

from postroad.wire.errors import WireError
from postroad.wire.imap import append, fetch, list, search, select, status, store
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand

_PARSERS: tuple[Callable[[Cursor], object], ...] = (
    append.parse_append,
    fetch.parse_fetch,
    list.parse_list,
    list.parse_lsub,
    search.parse_search,
    select.parse_select,
    status.parse_status,
    store.parse_store,
)


def one_input(data: bytes) -> None:
    for parse in _PARSERS:
        for utf8 in (False, True):
            with contextlib.suppress(WireError):
                parse(Cursor(RawCommand(data), utf8=utf8))


if __name__ == "__main__":
    import sys

    import atheris

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
