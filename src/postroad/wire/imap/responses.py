"""What an IMAP server says (RFC 9051 section 7), each kind able to write itself."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, Protocol

from postroad.model.mailbox import Joined
from postroad.wire.imap import utf7
from postroad.wire.imap.sequence import Span, encode_in_order, encode_numbers, encode_spans

_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1000}\Z")
_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+\Z")
_SPECIALS = re.compile(rb'(["\\])')
_NOT_TEXT = re.compile(rb"[\x00-\x1f\x7f]+")
_DAY_MICROSECONDS = 86_400_000_000
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LAST_ORDINAL = date.max.toordinal()


class Response(Protocol):
    def encode(self) -> bytes:
        """The octets to send, CRLF included."""
        ...


class Condition(Enum):
    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"
    BYE = b"BYE"
    PREAUTH = b"PREAUTH"


@dataclass(frozen=True, slots=True)
class Status:
    """A status response (RFC 9051 section 7.1); untagged unless given a tag."""

    condition: Condition
    text: str
    code: bytes = b""
    tag: bytes = b"*"

    def encode(self) -> bytes:
        code = b"[%b] " % self.code if self.code else b""
        text = _NOT_TEXT.sub(b" ", self.text.encode(errors="replace")) or b"."
        return b"%b %b %b%b\r\n" % (self.tag, self.condition.value, code, text)


@dataclass(frozen=True, slots=True)
class Continue:
    """``continue-req``; `text` is shown to the client or is a challenge in base64."""

    text: str = "go on"

    def encode(self) -> bytes:
        return b"+ %b\r\n" % self.text.encode()


@dataclass(frozen=True, slots=True)
class Octets:
    """A piece of a response that is too large to be kept whole; the pieces follow each other."""

    octets: bytes

    def encode(self) -> bytes:
        return self.octets


@dataclass(frozen=True, slots=True)
class Exists:
    count: int

    def encode(self) -> bytes:
        return b"* %d EXISTS\r\n" % self.count


@dataclass(frozen=True, slots=True)
class Recent:
    """RFC 3501 section 7.3.2."""

    count: int

    def encode(self) -> bytes:
        return b"* %d RECENT\r\n" % self.count


@dataclass(frozen=True, slots=True)
class Expunged:
    """EXPUNGE responses (RFC 9051 section 7.5.1), many in one value and one write."""

    numbers: Sequence[int]

    def encode(self) -> bytes:
        return b"* %d EXPUNGE\r\n" * len(self.numbers) % tuple(self.numbers)


@dataclass(frozen=True, slots=True)
class Vanished:
    """RFC 7162 section 3.2.10; `uids` ascending, as spans with their last."""

    uids: Sequence[Span]
    earlier: bool = False

    def encode(self) -> bytes:
        earlier = b"(EARLIER) " if self.earlier else b""
        return b"* VANISHED %b%b\r\n" % (earlier, encode_spans(self.uids))


@dataclass(frozen=True, slots=True)
class Flags:
    flags: Sequence[str]

    def encode(self) -> bytes:
        return b"* FLAGS %b\r\n" % flag_list(self.flags)


@dataclass(frozen=True, slots=True)
class Capability:
    names: Sequence[bytes]

    def encode(self) -> bytes:
        return b"* CAPABILITY %b\r\n" % b" ".join(self.names)


@dataclass(frozen=True, slots=True)
class Enabled:
    names: Sequence[bytes]

    def encode(self) -> bytes:
        return b"* %b\r\n" % b" ".join((b"ENABLED", *self.names))


@dataclass(frozen=True, slots=True)
class Id:
    """RFC 2971 section 3.2."""

    fields: Sequence[tuple[str, str]]

    def encode(self) -> bytes:
        pairs = [string(text.encode()) for field in self.fields for text in field]
        return b"* ID (%b)\r\n" % b" ".join(pairs)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A personal namespace without a prefix, those of others and shared ones (RFC 2342).

    `translations` are of the latter two (RFC 5255 section 3.4); empty: there are none.
    """

    others: str
    shared: str
    separator: str = "/"
    translations: tuple[str, ...] = ()

    def encode(self) -> bytes:
        others, shared = self.translations or ("", "")
        told = (
            self._one("", ""),
            self._one(self.others, others),
            self._one(self.shared, shared),
        )
        return b"* NAMESPACE %b\r\n" % b" ".join(told)

    def _one(self, prefix: str, translation: str) -> bytes:
        told = b"%b %b" % (quoted(prefix.encode()), quoted(self.separator.encode()))
        if translation:
            # Also after ENABLE UTF8=ACCEPT: it is no name, but a string in modified UTF-7.
            told += b' "TRANSLATION" (%b)' % quoted(utf7.encode(translation))
        return b"((%b))" % told


@dataclass(frozen=True, slots=True)
class SearchHits:
    """SEARCH of RFC 3501 section 7.2.5; the highest mod-sequence if MODSEQ was asked for."""

    numbers: Sequence[int]
    mod_seq: int | None = None

    def encode(self) -> bytes:
        return b"* SEARCH" + hits(self.numbers, self.mod_seq)


def hits(numbers: Sequence[int], mod_seq: int | None) -> bytes:
    """Behind SEARCH and SORT, in one step of formatting, which is a fifth of the cost."""
    told = b" %d" * len(numbers) % tuple(numbers)
    if mod_seq is not None and numbers:
        told += b" (MODSEQ %d)" % mod_seq  # RFC 7162 section 3.1.6
    return told + b"\r\n"


@dataclass(frozen=True, slots=True)
class ESearch:
    """ESEARCH (RFC 9051 section 7.3.4); a field that is None is left out."""

    tag: bytes
    uid: bool
    minimum: int | None = None
    maximum: int | None = None
    everything: Sequence[int] | None = None
    count: int | None = None
    mod_seq: int | None = None
    partial: tuple[bytes, Sequence[int]] | None = None  # the range asked for, and what it holds
    relevancy: Sequence[int] | None = None  # RFC 6203 section 4
    in_order: bool = False  # numbers are in an order of their own (RFC 5267 section 3.1)
    source: bytes = b""  # which mailbox it is about (RFC 7377 section 2.1)

    def encode(self) -> bytes:
        numbers = encode_in_order if self.in_order else encode_numbers
        words = [b"* ESEARCH (TAG %b%b)" % (string(self.tag), self.source)]
        if self.uid:
            words.append(b"UID")
        words += [
            b"%b %d" % (name, value)
            for name, value in (
                (b"MIN", self.minimum),
                (b"MAX", self.maximum),
                (b"COUNT", self.count),
            )
            if value is not None
        ]
        if self.everything:
            words.append(b"ALL %b" % numbers(self.everything))
        if self.partial is not None:  # RFC 9394 section 3.1
            words.append(
                b"PARTIAL (%b %b)" % (self.partial[0], numbers(self.partial[1]) or b"NIL")
            )
        if self.relevancy is not None:
            words.append(b"RELEVANCY (%b)" % b" ".join([b"%d" % n for n in self.relevancy]))
        if self.mod_seq is not None:  # last, as in the examples of RFC 7162 section 3.1.10
            words.append(b"MODSEQ %d" % self.mod_seq)
        return b" ".join(words) + b"\r\n"


@dataclass(frozen=True, slots=True)
class ESearchUpdate:
    """ESEARCH with ADDTO or REMOVEFROM (RFC 5267 sections 4.3.3 and 4.3.4).

    Each pair is a position in the result, 0 where the order is that of the mailbox, and numbers.
    """

    tag: bytes
    uid: bool
    name: bytes
    pairs: Sequence[tuple[int, Sequence[int]]]
    source: bytes = b""  # as in `ESearch`

    def encode(self) -> bytes:
        pairs = b" ".join(b"%d %b" % (at, encode_in_order(numbers)) for at, numbers in self.pairs)
        uid = b" UID" if self.uid else b""
        about = string(self.tag) + self.source
        return b"* ESEARCH (TAG %b)%b %b (%b)\r\n" % (about, uid, self.name, pairs)


class Told(NamedTuple):
    """One item of many messages: how it is written, with one place, and a value for each."""

    form: bytes
    values: Sequence[int] | Sequence[bytes]


class ToldJoined(NamedTuple):
    """The same, where the values are in one, and their place is at the end of the form."""

    form: bytes
    values: Joined


@dataclass(frozen=True, slots=True)
class Fetched:
    """FETCH responses of a batch of messages (RFC 9051 section 7.5.2) in one octet string.

    `told[j]` says item j of all messages, in the order of `numbers`. With `by_uid` the numbers
    are UIDs, and the response is UIDFETCH (RFC 9586 section 3.3).
    """

    numbers: Sequence[int]
    told: Sequence[Told | ToldJoined]
    by_uid: bool = False

    def encode(self) -> bytes:
        """All in one step of formatting, which is half the cost of one for each message."""
        begin = b"* %%d %b (" % (b"UIDFETCH" if self.by_uid else b"FETCH")
        plain = [item for item in self.told if isinstance(item, Told)]
        rows = zip(self.numbers, *[item.values for item in plain], strict=True)
        values = tuple(chain.from_iterable(rows))
        for at, item in enumerate(self.told):
            if isinstance(item, ToldJoined):
                return self._around(item, begin, at) % values
        line = begin + b" ".join([item.form for item in plain]) + b")\r\n"
        return line * len(self.numbers) % values

    def _around(self, joined: ToldJoined, begin: bytes, at: int) -> bytes:
        """The form of all responses around octets, which are not taken apart for it."""
        before = begin + b" ".join([item.form for item in self.told[: at + 1]])
        after = b"".join([b" " + item.form for item in self.told[at + 1 :]]) + b")\r\n"
        octets = joined.values.octets.replace(b"%", b"%%")
        return before + octets.replace(b"\0", after + before) + after


def begun(numbers: Sequence[int], told: Sequence[Told], *, by_uid: bool) -> list[bytes]:
    """The beginnings of FETCH responses, which go on with octets; see `Fetched`."""
    form = b" ".join([item.form for item in told])
    line = b"* %%d %b (%b" % (b"UIDFETCH" if by_uid else b"FETCH", form)
    rows = zip(numbers, *[item.values for item in told], strict=True)
    return [line % row for row in rows]


UID = b"UID %d"
MODSEQ = b"MODSEQ (%d)"
PLAIN = b"%b"  # of values that bring their name along


def quoted(octets: bytes) -> bytes:
    return b'"%b"' % _SPECIALS.sub(rb"\\\1", octets)


def string(octets: bytes) -> bytes:
    """As quoted string where that is allowed in ASCII, else as literal."""
    if _QUOTABLE.match(octets):
        return quoted(octets)
    return b"{%d}\r\n%b" % (len(octets), octets)


def astring(octets: bytes) -> bytes:
    """As atom if it is one, else as `string`."""
    if _ATOM.match(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets)


def flag_list(flags: Iterable[str]) -> bytes:
    return b"(%b)" % " ".join(flags).encode()


def date_time(microseconds: int) -> bytes:
    """``date-time`` in UTC, with its quotes."""
    day, rest = divmod(microseconds, _DAY_MICROSECONDS)
    seconds = rest // 1_000_000
    return b'"%b %02d:%02d:%02d +0000"' % (
        _day(day),
        seconds // 3600,
        seconds // 60 % 60,
        seconds % 60,
    )


@lru_cache(4096)
def _day(days: int) -> bytes:
    """``17-Jul-1996`` from days since 1970; years a date cannot have become the nearest."""
    day = date.fromordinal(min(max(days + _EPOCH_ORDINAL, 1), _LAST_ORDINAL))
    return b"%2d-%b-%04d" % (day.day, _MONTHS[day.month - 1], day.year)
