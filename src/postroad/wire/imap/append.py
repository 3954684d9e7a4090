"""APPEND as the client writes it (RFC 9051 section 6.3.12, RFC 3502, RFC 6855 section 4)."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message, whose octets are streamed.

    `internal_date` is in microseconds UTC, None when the client leaves it to us. `utf8` says
    that the message was given as ``UTF8 (~{n}``.
    """

    flags: tuple[str, ...]
    internal_date: int | None
    literal: Literal
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """One message, or several that are appended together or not at all (RFC 3502)."""

    mailbox: str
    messages: tuple[AppendMessage, ...]


def parse_append(cursor: Cursor, *, whole: bool = True) -> Append:
    """Read a command; without `whole`, one that ends with the announcement of a message."""
    cursor.sp()
    mailbox = cursor.mailbox()
    messages: list[AppendMessage] = []
    while not messages or not cursor.at_end():
        cursor.sp()
        messages.append(message := _message(cursor))
        if message.utf8 and (whole or not cursor.at_end()):
            cursor.expect(b")")
    return Append(mailbox, tuple(messages))


def _message(cursor: Cursor) -> AppendMessage:
    flags: tuple[str, ...] = ()
    if cursor.sees(b"("):
        flags = cursor.flag_list()
        cursor.sp()
    internal_date = None
    if cursor.sees(b'"'):
        internal_date = cursor.date_time()
        cursor.sp()
    utf8 = cursor.take(b"UTF8 (")
    literal = cursor.streamed_literal()
    if utf8 and not literal.binary:
        raise cursor.wrong("a literal8 in UTF8")
    return AppendMessage(tuple(dict.fromkeys(flags)), internal_date, literal, utf8)
