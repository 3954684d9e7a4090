"""The search language of X-GM-RAW, read into search keys (Google's "IMAP Extensions").

Words and "phrases" are looked for everywhere, or where an operator says: from:, to:, cc:, bcc:,
subject:, filename:, rfc822msgid:, has:, is:, in:, label:, after:, before:, older_than:,
newer_than:, larger:, smaller:. ``-`` stands before what must not match, ``OR`` between two,
of which one must, and braces around several of which one must.
"""

import re
from collections.abc import Callable
from datetime import date

from postroad.wire.errors import BadSyntax
from postroad.wire.imap import searchkeys as s

_MAX_TERMS = 500
_MAX_DEPTH = 50
_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"([A-Za-z0-9_]+):")
_WORD = re.compile(r'[^\s(){}"]+')
_PHRASE = re.compile(r'"([^"]*)"')
_DATE = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})\Z", re.ASCII)
_AGE = re.compile(r"([0-9]{1,6})([dmy])\Z", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12})([KMG]?)B?\Z", re.ASCII | re.IGNORECASE)
_DAYS = {"d": 1, "m": 30, "y": 365}
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_DAY = 86_400
_PLACES = {
    "inbox": "\\Inbox",
    "sent": "\\Sent",
    "draft": "\\Draft",
    "drafts": "\\Draft",
    "trash": "\\Trash",
    "spam": "\\Spam",
    "starred": "\\Starred",
    "important": "\\Important",
}
_STATES: dict[str, s.Key] = {
    "unread": s.HasFlag("\\Seen", wanted=False),
    "read": s.HasFlag("\\Seen", wanted=True),
    "starred": s.HasFlag("\\Flagged", wanted=True),
    "important": s.HasLabel("\\Important"),
}


def parse_raw(text: str) -> s.Key:
    """Raises `BadSyntax`."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0

    def parse(self) -> s.Key:
        key = self._all_of("", 0)
        if self._at < len(self._text):
            raise self._wrong("a word")
        return key

    def _all_of(self, end: str, depth: int) -> s.Key:
        """Terms up to `end`, which is not consumed; with OR between two, one of them."""
        keys = [self._term(depth)]
        while not self._ends(end):
            if self._takes_or():
                keys[-1] = s.Or((keys[-1], self._term(depth)))
            else:
                keys.append(self._term(depth))
        return keys[0] if len(keys) == 1 else s.And(tuple(keys))

    def _one_of(self, depth: int) -> s.Key:
        key = self._term(depth)
        while not self._ends("}"):
            key = s.Or((key, self._term(depth)))
        return key

    def _term(self, depth: int) -> s.Key:
        self._terms += 1
        if self._terms > _MAX_TERMS or depth > _MAX_DEPTH:
            raise self._wrong(f"at most {_MAX_TERMS} terms, nested at most {_MAX_DEPTH} deep")
        self._skip()
        if self._takes("-"):
            return s.Not(self._term(depth + 1))
        if self._takes("("):
            return self._closed(self._all_of(")", depth + 1), ")")
        if self._takes("{"):
            return self._closed(self._one_of(depth + 1), "}")
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None and self._takes_or():
            raise self._wrong("a word")
        if operator is None:
            return s.HasText(s.Where.TEXT, self._value())
        name = operator[1].lower()
        meaning = _OPERATORS.get(name)
        if meaning is None:
            raise self._wrong(f"an operator (quote what is none), not {name}:,")
        self._at = operator.end()
        return self._operated(meaning)

    def _operated(self, meaning: Callable[[str], s.Key | None]) -> s.Key:
        if not self._takes("("):
            return self._meant(meaning)
        keys = [self._meant(meaning)]
        while not self._ends(")"):
            self._terms += 1
            keys.append(self._meant(meaning))
        return self._closed(keys[0] if len(keys) == 1 else s.And(tuple(keys)), ")")

    def _meant(self, meaning: Callable[[str], s.Key | None]) -> s.Key:
        if self._terms > _MAX_TERMS:
            raise self._wrong(f"at most {_MAX_TERMS} terms")
        key = meaning(self._value())
        if key is None:
            raise self._wrong("a value that the operator knows")
        return key

    def _value(self) -> str:
        for pattern in (_PHRASE, _WORD):
            if (match := pattern.match(self._text, self._at)) is not None:
                self._at = match.end()
                return match[match.lastindex or 0]
        raise self._wrong("a word")

    def _closed(self, key: s.Key, bracket: str) -> s.Key:
        self._skip()
        if not self._takes(bracket):
            raise self._wrong(bracket)
        return key

    def _ends(self, bracket: str) -> bool:
        self._skip()
        at_end = self._at >= len(self._text)
        return at_end or (bool(bracket) and self._text.startswith(bracket, self._at))

    def _takes_or(self) -> bool:
        match = _WORD.match(self._text, self._at)
        if match is None or match[0] != "OR":
            return False
        self._at = match.end()
        return True

    def _takes(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _wrong(self, expected: str) -> BadSyntax:
        return BadSyntax(f"{expected} in X-GM-RAW", self._at)


def _header(field: str) -> Callable[[str], s.Key]:
    return lambda value: s.HasHeader(field, value)


def _to(value: str) -> s.Key:
    """Whoever it was for, however openly."""
    copies = s.Or((s.HasHeader("cc", value), s.HasHeader("bcc", value)))
    return s.Or((s.HasHeader("to", value), copies))


def _has(value: str) -> s.Key | None:
    return s.HasAttachment() if value.lower() == "attachment" else None


def _is(value: str) -> s.Key | None:
    return _STATES.get(value.lower())


def _in(value: str) -> s.Key:
    word = value.lower()
    if word == "anywhere":
        return s.All()
    if word in ("unread", "read"):
        return _STATES[word]
    return s.HasLabel(_PLACES[word]) if word in _PLACES else s.HasLabel(value, is_loose=True)


def _dated(side: s.Side) -> Callable[[str], s.Key | None]:
    def read(value: str) -> s.Key | None:
        match = _DATE.match(value)
        if match is None:
            return None
        try:
            return s.Dated(side, date(*map(int, match.groups())), sent=False)
        except ValueError:
            return None

    return read


def _aged(*, younger: bool) -> Callable[[str], s.Key | None]:
    def read(value: str) -> s.Key | None:
        match = _AGE.match(value)
        if match is None or not int(match[1]):
            return None
        return s.Within(int(match[1]) * _DAYS[match[2]] * _DAY, younger=younger)

    return read


def _sized(side: s.Side) -> Callable[[str], s.Key | None]:
    def read(value: str) -> s.Key | None:
        match = _SIZE.match(value)
        if match is None:
            return None
        return s.Sized(side, int(match[1]) * _UNITS[match[2].upper()])

    return read


_OPERATORS: dict[str, Callable[[str], s.Key | None]] = {
    "from": _header("from"),
    "to": _to,
    "cc": _header("cc"),
    "bcc": _header("bcc"),
    "subject": _header("subject"),
    "rfc822msgid": _header("message-id"),
    "filename": lambda value: s.HasAttachment(value),
    "has": _has,
    "is": _is,
    "in": _in,
    "label": _in,
    "after": _dated(s.Side.SINCE),
    "newer": _dated(s.Side.SINCE),
    "before": _dated(s.Side.BEFORE),
    "older": _dated(s.Side.BEFORE),
    "older_than": _aged(younger=False),
    "newer_than": _aged(younger=True),
    "larger": _sized(s.Side.SINCE),
    "size": _sized(s.Side.SINCE),
    "smaller": _sized(s.Side.BEFORE),
}
