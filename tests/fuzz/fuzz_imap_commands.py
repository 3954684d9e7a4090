"""Fuzz the grammar of every IMAP command, and of X-GM-RAW: only `WireError`."""

import contextlib
import sys

from postroad.sessions.imap.commands import FEATURES
from postroad.wire.errors import WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.gmailsearch import parse_raw
from postroad.wire.imap.search import parse_criteria


def one_input(data: bytes) -> None:
    with contextlib.suppress(WireError):
        parse_raw(data.decode(errors="replace"))
    with contextlib.suppress(WireError):
        parse_criteria(data)
    for feature in FEATURES:
        for utf8 in (False, True):
            with contextlib.suppress(WireError):
                feature.parse(Cursor(RawCommand(data), utf8=utf8))


if __name__ == "__main__":
    import atheris

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
