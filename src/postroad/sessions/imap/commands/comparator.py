"""COMPARATOR (RFC 5255 section 4.7): which collation SEARCH, SORT and THREAD use."""

from dataclasses import dataclass

from postroad.model.comparator import Comparator
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.pattern import MailboxPattern
from postroad.wire.imap.responses import Condition, astring

_MAX_ARGUMENTS = 20
_MAX_OCTETS = 254  # RFC 4790: no name is longer


@dataclass(frozen=True, slots=True)
class Active:
    """The response (RFC 5255 section 4.8); `matching` are all that a wish matched."""

    active: Comparator
    matching: tuple[Comparator, ...] = ()

    def encode(self) -> bytes:
        also = b" ".join(_name(each) for each in self.matching)
        told = b" (%b)" % also if len(self.matching) > 1 else b""
        return b"* COMPARATOR %b%b\r\n" % (_name(self.active), told)


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
    if not command:
        yield Active(context.comparator)
        return
    matches = [found for order in command if (found := _matching(order))]
    if not matches:
        yield Done("There is no such comparator", b"BADCOMPARATOR", Condition.NO)
        return
    context.comparator = matches[0][0]
    matched = {each for found in matches for each in found}
    yield Active(context.comparator, tuple(each for each in Comparator if each in matched))


def _matching(order: str) -> list[Comparator]:
    """What a ``collation-order`` (RFC 4790 section 3.3) means, the default before the other.

    `*` stands for anything; `%` is no wildcard, and in no name. None is there that turns the
    order round.
    """
    if order == "default":
        return [Comparator.UNICODE]
    order = order.removeprefix("+")
    if "%" in order:
        return []
    pattern = MailboxPattern(order, separator="")
    return [each for each in Comparator if pattern.matches(each.value)]


def _name(comparator: Comparator) -> bytes:
    return astring(comparator.value.encode())


FEATURE = Feature(b"COMPARATOR", AFTER_LOGIN, parse, handle, always(b"I18NLEVEL=2"))
