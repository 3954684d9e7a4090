"""COMPARATOR (RFC 5255 section 4.7): which collation SEARCH, SORT and THREAD use."""

from dataclasses import dataclass

from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.pattern import MailboxPattern
from postroad.wire.imap.responses import Condition, astring

_UNICODE = "i;unicode-casemap"  # RFC 5051; keys of rows and the index are in its form
_MAX_ARGUMENTS = 20
_MAX_OCTETS = 254  # RFC 4790: no name is longer


@dataclass(frozen=True, slots=True)
class Comparator:
    """The response (RFC 5255 section 4.8)."""

    active: str

    def encode(self) -> bytes:
        return b"* COMPARATOR %b\r\n" % astring(self.active.encode())


def parse(cursor: Cursor) -> tuple[str, ...]:
    orders = []
    while not cursor.at_end():
        cursor.sp()
        octets = cursor.astring()
        if not octets or not octets.isascii() or len(octets) > _MAX_OCTETS:
            raise cursor.wrong("the name of a comparator")
        orders.append(octets.decode().lower())
        if len(orders) > _MAX_ARGUMENTS:
            raise cursor.wrong(f"at most {_MAX_ARGUMENTS} comparators")
    return tuple(orders)


async def handle(context: Context, command: tuple[str, ...]) -> Replies:
    """One is there, so it is what any fitting wish leads to."""
    if command and not any(map(_fits, command)):
        yield Done("There is no such comparator", b"BADCOMPARATOR", Condition.NO)
        return
    yield Comparator(_UNICODE)


def _fits(order: str) -> bool:
    """A ``collation-order`` (RFC 4790 section 3.3); none is there that turns the order round.

    `*` stands for anything; `%` is no wildcard, and in no name.
    """
    if order == "default":
        return True
    order = order.removeprefix("+")
    return "%" not in order and MailboxPattern(order, separator="").matches(_UNICODE)


FEATURE = Feature(b"COMPARATOR", AFTER_LOGIN, parse, handle, always(b"I18NLEVEL=2"))
