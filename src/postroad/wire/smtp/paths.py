"""Reverse paths and forward paths (RFC 5321 section 4.1.2, RFC 6531 section 3.3)."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from postroad.wire.errors import BadSyntax

MAX_LOCAL_PART = 64
"""RFC 5321 section 4.5.3.1.1, in octets."""
MAX_DOMAIN = 255
"""RFC 5321 section 4.5.3.1.2, in octets."""
MAX_ROUTE = 1000
"""Octets of a source route that we read past."""

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_UTF8 = r"\u00a1-\ud7ff\ue000-\U0010ffff"  # no C1 controls, no no-break space, no surrogates
_DOT_STRING = {
    False: re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*"),
    True: re.compile(rf"[{_ATEXT}{_UTF8}]+(?:\.[{_ATEXT}{_UTF8}]+)*"),
}
_QUOTED = {
    False: re.compile(r'"((?:[ !#-\[\]-~]|\\[ -~])*)"'),
    True: re.compile(rf'"((?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*)"'),
}
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_U_LABEL = rf"[A-Za-z0-9{_UTF8}](?:[A-Za-z0-9\-{_UTF8}]*[A-Za-z0-9{_UTF8}])?"
_DOMAIN = {
    False: re.compile(rf"{_LABEL}(?:\.{_LABEL})*"),
    True: re.compile(rf"{_U_LABEL}(?:\.{_U_LABEL})*"),
}
_LITERAL = re.compile(r"\[([0-9A-Za-z:.\-]{1,64})\]")
_ROUTE = re.compile(rf"@{_LABEL}(?:\.{_LABEL})*(?:,@{_LABEL}(?:\.{_LABEL})*)*:")
_UNQUOTE = re.compile(r"\\(.)")
_MUST_QUOTE = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address on the wire. The local part is the text it means, without quotes.

    The domain is as it was written, or an address literal in its brackets; it is empty only
    for ``<Postmaster>`` (RFC 5321 section 4.1.1.3).
    """

    local_part: str
    domain: str

    @property
    def address(self) -> str:
        """The shortest spelling: quotes only where they are needed."""
        local_part = self.local_part
        if not _DOT_STRING[True].fullmatch(local_part):
            local_part = '"' + _MUST_QUOTE.sub(r"\\\1", local_part) + '"'
        return f"{local_part}@{self.domain}" if self.domain else local_part

    @property
    def is_ascii(self) -> bool:
        return self.local_part.isascii() and self.domain.isascii()


def parse_path(text: str, *, utf8: bool = False) -> tuple[Mailbox | None, str]:
    """A path in angle brackets at the start of `text`, and the text behind it.

    None is the null path ``<>``. A source route is dropped (RFC 5321 section 4.1.1.3). UTF-8 is
    taken only when the transaction asked for it. Raises `BadSyntax`; linear in the text.
    """
    if not text.startswith("<"):
        raise BadSyntax("<", 0)
    if text.startswith("<>"):
        return None, text[2:]
    position = 1
    if text.startswith("<@"):
        position = _skip_route(text)
    mailbox, position = _mailbox(text, position, utf8=utf8)
    if not text.startswith(">", position):
        raise BadSyntax(">", position)
    return mailbox, text[position + 1 :]


def parse_address(text: str, *, utf8: bool = False) -> Mailbox:
    """An address without brackets, whole. Raises `BadSyntax`."""
    mailbox, position = _mailbox(text, 0, utf8=utf8)
    if position != len(text):
        raise BadSyntax("the end of the address", position)
    if not mailbox.domain:
        raise BadSyntax("@", position)
    return mailbox


def _skip_route(text: str) -> int:
    match = _ROUTE.match(text, 1)
    if match is None or match.end() > MAX_ROUTE:
        raise BadSyntax("a source route", 1)
    return match.end()


def _mailbox(text: str, position: int, *, utf8: bool) -> tuple[Mailbox, int]:
    local_part, after = _local_part(text, position, utf8=utf8)
    if len(local_part.encode()) > MAX_LOCAL_PART:
        raise BadSyntax(f"a local part of at most {MAX_LOCAL_PART} octets", position)
    if not text.startswith("@", after):
        if local_part.lower() == "postmaster":
            return Mailbox(local_part, ""), after
        raise BadSyntax("@", after)
    domain, end = _domain(text, after + 1, utf8=utf8)
    return Mailbox(local_part, domain), end


def _local_part(text: str, position: int, *, utf8: bool) -> tuple[str, int]:
    if text.startswith('"', position):
        match = _QUOTED[utf8].match(text, position)
        if match is None:
            raise BadSyntax("a quoted local part", position)
        return _UNQUOTE.sub(r"\1", match[1]), match.end()
    match = _DOT_STRING[utf8].match(text, position)
    if match is None:
        raise BadSyntax("a local part", position)
    return match[0], match.end()


def _domain(text: str, position: int, *, utf8: bool) -> tuple[str, int]:
    if text.startswith("[", position):
        match = _LITERAL.match(text, position)
        if match is None or not is_address_literal(match[0]):
            raise BadSyntax("an address literal", position)
        return match[0], match.end()
    match = _DOMAIN[utf8].match(text, position)
    if match is None:
        raise BadSyntax("a domain", position)
    if len(match[0].encode()) > MAX_DOMAIN or max(map(_octets, match[0].split("."))) > 63:
        raise BadSyntax(
            f"a domain of at most {MAX_DOMAIN} octets, each label at most 63", position
        )
    return match[0], match.end()


def _octets(label: str) -> int:
    """The length of a label; a U-label is measured as its A-label would be, at the least."""
    return len(label) if label.isascii() else len(label) + 4


def is_address_literal(text: str) -> bool:
    """Whether this is ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 section 4.1.3)."""
    inner = text[1:-1]
    try:
        if inner[:5].upper() == "IPV6:":
            IPv6Address(inner[5:])
        else:
            IPv4Address(inner)
    except AddressValueError:
        return False
    return text.startswith("[") and text.endswith("]")
