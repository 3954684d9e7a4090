"""Cursors for tests."""

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import CommandReceiver, RawCommand


def cursor(octets: bytes, *, utf8: bool = False) -> Cursor:
    """A cursor on what `octets`, with literals that do not wait, are as a command."""
    receiver = CommandReceiver()
    receiver.feed(octets + b"\r\n")
    while (event := receiver.next_event()) is not None:
        if isinstance(event, RawCommand):
            return Cursor(event, utf8=utf8)
    raise AssertionError("not a whole command")
