"""APPEND as the client writes it (RFC 9051 section 6.3.12, RFC 6855 section 4)."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal


@dataclass(frozen=True, slots=True)
class Append:
    """The command up to the octets of the message, which are streamed.

    `internal_date` is in microseconds UTC, None when the client leaves it to us. `utf8` says
    that the message was given as ``UTF8 (~{n}``, whose parenthesis is still to be closed.
    """

    mailbox: str
    flags: tuple[str, ...]
    internal_date: int | None
    message: Literal
    utf8: bool = False


def parse_append(cursor: Cursor) -> Append:
    """Read up to the announcement of the message; `parse_append_end` reads the rest."""
    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    flags: tuple[str, ...] = ()
    if cursor.sees(b"("):
        flags = cursor.flag_list()
        cursor.sp()
    internal_date = None
    if cursor.sees(b'"'):
        internal_date = cursor.date_time()
        cursor.sp()
    utf8 = cursor.take(b"UTF8 (")
    message = cursor.streamed_literal()
    if utf8 and not message.binary:
        raise cursor.wrong("a literal8 in UTF8")
    return Append(mailbox, tuple(dict.fromkeys(flags)), internal_date, message, utf8)


def parse_append_end(cursor: Cursor, append: Append) -> None:
    """Read what follows the message. `cursor` is on the whole command, after `append`."""
    if append.utf8:
        cursor.expect(b")")
    cursor.end()
