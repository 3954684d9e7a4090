"""Addresses in header fields, read tolerantly (RFC 5322 sections 3.4 and 4.4, RFC 6854)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from postroad.formats.mime import encodedwords

ADDRESSES_LIMIT = 10_000
"""Addresses that are read from one field."""

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff"

# What nearly all addresses look like; anything else is read by `_Reader`, with the same outcome.
_SIMPLE = re.compile(
    r"[ \t]*+(?:"
    r'(?:(?:"([^"\\]*+)"|((?:[.' + _ATEXT + r"]++[ ]?)*+))[ \t]*+)?"
    r"<([" + _ATEXT + r"]++(?:\.[" + _ATEXT + r"]++)*+)@([A-Za-z0-9](?:[A-Za-z0-9.\-]*+))>"
    r"|([" + _ATEXT + r"]++(?:\.[" + _ATEXT + r"]++)*+)@([A-Za-z0-9](?:[A-Za-z0-9.\-]*+))"
    r")[ \t]*+(?:,|\Z)"
)

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]++)"
    r"|(?P<word>[^ \t\r\n()<>\[\]:;@,.\"\\]++)"
    r'|"(?P<quoted>(?:[^"\\]++|\\.)*+)"'
    r"|(?P<literal>\[[^\[\]\\]*+\])"
    r"|\\(?P<escaped>.)"
    r"|(?P<special>.)",
    re.DOTALL,
)
_COMMENT = re.compile(r"[()]|\\.", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DOT_ATOM = re.compile(r"[" + _ATEXT + r"]++(?:\.[" + _ATEXT + r"]++)*+\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox (RFC 5322 section 3.4), without quoting; `name` with its encoded words as sent.

    `domain` is None where the field has none ("root"); `route` is the obsolete source route.
    """

    name: str | None
    route: str | None
    local_part: str
    domain: str | None

    @property
    def display_name(self) -> str | None:
        """The name for people, encoded words decoded."""
        return None if self.name is None else encodedwords.decode(self.name)

    @property
    def addr_spec(self) -> str:
        """The address as it is written, the local part quoted where it must be."""
        local_part = quote_local_part(self.local_part)
        return local_part if self.domain is None else f"{local_part}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Group:
    """A named list of mailboxes (RFC 5322 section 3.4), possibly empty."""

    name: str
    members: tuple[Address, ...]

    @property
    def display_name(self) -> str:
        """The name for people, encoded words decoded."""
        return encodedwords.decode(self.name)


def parse_address_list(text: str, limit: int = ADDRESSES_LIMIT) -> tuple[Address | Group, ...]:
    """The addresses of an unfolded field (see `headers.to_text`), at most about `limit`.

    Linear, and never raises: what is no address is left out, or becomes one without a domain.
    """
    found: list[Address | Group] = []
    at, size = 0, len(text)
    while at < size and len(found) < limit:
        simple = _SIMPLE.match(text, at)
        if simple is None:
            found += _Reader(text, at, limit - len(found)).read()
            break
        quoted, phrase, local_part, domain, bare, bare_domain = simple.groups()
        if bare is not None:
            found.append(Address(None, None, bare, bare_domain))
        else:
            name = phrase.rstrip(" ") if quoted is None and phrase else quoted
            found.append(Address(name or None, None, local_part, domain))
        at = simple.end()
    return tuple(found)


def mailboxes(addresses: tuple[Address | Group, ...]) -> Iterator[Address]:
    """All mailboxes in order, those in groups too."""
    for address in addresses:
        if isinstance(address, Group):
            yield from address.members
        else:
            yield address


def quote_local_part(local_part: str) -> str:
    """The local part as it is written: a dot-atom, or else a quoted string."""
    if _DOT_ATOM.match(local_part):
        return local_part
    escaped = local_part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a special character. `is_word` is true also for quoted specials."""

    text: str
    is_word: bool
    after_space: bool


def _tokens(text: str, at: int) -> Iterator[_Token | str]:
    """The tokens from `at` on; a comment comes as its text."""
    after_space = True
    size = len(text)
    while at < size:
        found = _TOKEN.match(text, at)
        assert found is not None  # noqa: S101  the last alternative takes anything
        at = found.end()
        kind, value = found.lastgroup, found[found.lastgroup or 0]
        if kind == "space":
            after_space = True
            continue
        if kind == "special" and value == "(":
            comment, at = _comment(text, at)
            yield comment
            after_space = True
            continue
        if kind == "special" and value == '"':
            # A quote that does not end, and so none after it does: they are all left out.
            yield from _tokens(text[at:].replace('"', " "), 0)
            return
        if kind == "quoted":
            value = _ESCAPE.sub(r"\1", value) if "\\" in value else value
        is_word = kind != "special" or value in "\\[])"
        yield _Token(value, is_word, after_space)
        after_space = False


def _comment(text: str, at: int) -> tuple[str, int]:
    """The comment that was opened before `at`, and where it ends; an open one lasts to the end."""
    start, depth = at, 1
    for found in _COMMENT.finditer(text, at):
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
            if not depth:
                return _ESCAPE.sub(r"\1", text[start : found.start()]).strip(), found.end()
    return "", len(text)


class _Reader:
    """The tolerant grammar, one token at a time.

    `_words` are the tokens of the mailbox being read that are outside of its brackets, and
    `_angle` those inside, or None while there was no bracket. `_group` is the open group's name.
    """

    def __init__(self, text: str, at: int, limit: int) -> None:
        self._tokens = _tokens(text, at)
        self._limit = limit
        self._count = 0
        self._found: list[Address | Group] = []
        self._group: str | None = None
        self._members: list[Address] = []
        self._words: list[_Token] = []
        self._angle: list[_Token] | None = None
        self._in_angle = False
        self._comment: str | None = None

    def read(self) -> list[Address | Group]:
        for token in self._tokens:
            if isinstance(token, str):
                self._comment = token or self._comment
            elif self._in_angle:
                self._take_inside(token)
            else:
                self._take_outside(token)
            if self._count >= self._limit:
                break
        self._end_mailbox()
        self._end_group()
        return self._found

    def _forget(self) -> None:
        self._words = []
        self._angle = None
        self._in_angle = False
        self._comment = None

    def _take_inside(self, token: _Token) -> None:
        assert self._angle is not None  # noqa: S101  _in_angle says so
        if token.is_word or token.text in "@.:":
            self._angle.append(token)
        elif token.text == ">":
            self._in_angle = False
        elif token.text == "," and (not self._angle or self._angle[0].text == "@"):
            self._angle.append(token)  # an obsolete route: <@a,@b:c@d>
        elif token.text == "<":
            self._angle.clear()
        else:
            # Interop: the closing bracket is missing.
            self._in_angle = False
            self._take_outside(token)

    def _take_outside(self, token: _Token) -> None:
        if token.is_word or token.text in "@.":
            self._words.append(token)
        elif token.text == "<":
            if self._angle is not None:
                self._end_mailbox()
            self._angle, self._in_angle = [], True
        elif token.text == ",":
            self._end_mailbox()
        elif token.text == ";":
            self._end_mailbox()
            self._end_group()
        elif token.text == ":" and self._group is None and self._may_name_a_group():
            self._group = _phrase(self._words)
            self._forget()
        elif token.text == ":":
            self._words.append(token)

    def _may_name_a_group(self) -> bool:
        return self._angle is None and bool(self._words) and not _has_at(self._words)

    def _end_mailbox(self) -> None:
        address = self._mailbox()
        self._forget()
        if address is None:
            return
        self._count += 1
        if self._group is None:
            self._found.append(address)
        else:
            self._members.append(address)

    def _end_group(self) -> None:
        if self._group is not None:
            self._found.append(Group(self._group, tuple(self._members)))
            self._count += 1
            self._group = None
            self._members = []

    def _mailbox(self) -> Address | None:
        if self._angle is not None:
            route, local_part, domain = _angle_addr(self._angle)
            name = _phrase(self._words) or self._comment
            if not local_part and domain is None and not name:
                return None
            return Address(name, route, local_part, domain)
        if not self._words:
            return None
        name, local_part, domain = _bare_addr(self._words)
        return Address(name or self._comment, None, local_part, domain)


def _has_at(tokens: list[_Token]) -> bool:
    return any(token.text == "@" and not token.is_word for token in tokens)


def _phrase(tokens: list[_Token]) -> str | None:
    """The words with one space where there was white space between them."""
    pieces: list[str] = []
    for token in tokens:
        if token.after_space and pieces:
            pieces.append(" ")
        pieces.append(token.text)
    return "".join(pieces) or None


def _joined(tokens: list[_Token]) -> str:
    return "".join([token.text for token in tokens])


def _last_at(tokens: list[_Token]) -> int:
    for index in range(len(tokens) - 1, -1, -1):
        if tokens[index].text == "@" and not tokens[index].is_word:
            return index
    return -1


def _angle_addr(tokens: list[_Token]) -> tuple[str | None, str, str | None]:
    """Route, local part and domain of what is between the brackets."""
    route = None
    if tokens and tokens[0].text == "@" and not tokens[0].is_word:
        colon = next((n for n, token in enumerate(tokens) if token.text == ":"), -1)
        if colon >= 0:
            route, tokens = _joined(tokens[:colon]), tokens[colon + 1 :]
    at = _last_at(tokens)
    if at < 0:
        return route, _joined(tokens), None
    return route, _joined(tokens[:at]), _joined(tokens[at + 1 :])


def _bare_addr(tokens: list[_Token]) -> tuple[str | None, str, str | None]:
    """Name, local part and domain without brackets, as in `a@b` or, wrongly, `Some Name a@b`."""
    at = _last_at(tokens)
    if at < 0:
        return None, _phrase(tokens) or "", None
    first = at
    while first and _belongs(tokens[first - 1], tokens[first], first == at):
        first -= 1
    last = at + 1
    while last < len(tokens) and _belongs(tokens[last - 1], tokens[last], last == at + 1):
        last += 1
    name = _phrase(tokens[:first] + tokens[last:])
    return name, _joined(tokens[first:at]), _joined(tokens[at + 1 : last])


def _belongs(before: _Token, after: _Token, is_next_to_at: bool) -> bool:
    """Whether two tokens are of one address: they touch, or a dot or the "@" is between them."""
    return is_next_to_at or not after.after_space or "." in (before.text, after.text)
