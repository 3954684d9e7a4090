"""Addresses as programs write them: `Name <local@domain>` (RFC 5322 section 3.4)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import idna

from postroad.base.errors import Invalid
from postroad.formats.compose.fields import demand_clean, encode_text, fold, quoted

# RFC 5321 section 4.5.3.1, in octets.
_MAX_LOCAL_PART = 64
_MAX_DOMAIN = 253
_MAX_TEXT = 1000
_MAX_PLAIN_NAME = 64
_ATOM_TEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff]"
_DOT_ATOM = re.compile(rf"{_ATOM_TEXT}+(\.{_ATOM_TEXT}+)*\Z")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[ -~])*)"\Z')
_ESCAPE = re.compile(r"\\(.)")
_PLAIN_PHRASE = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name to show; `domain` is ASCII (A-labels) in lower case."""

    name: str
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """`local@domain`, the local part as it was written."""
        return f"{self.local_part}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take it (RFC 6531)."""
        return not self.local_part.isascii()

    def encode(self) -> str:
        """The mailbox for a header field; the name is quoted or encoded as it needs."""
        if not self.name:
            return self.addr_spec
        return f"{_phrase(self.name)} <{self.addr_spec}>"


def parse_mailbox(text: str, field: str) -> Mailbox:
    """Read `local@domain` or `Name <local@domain>`.

    The name may hold any character that a header field may, quoted or not: programs write
    `Acme, Inc. <mail@example.com>`. Raises `Invalid`, naming `field`.
    """
    demand_clean(text, field)
    text = text.strip()
    if not text or len(text) > _MAX_TEXT:
        raise _wrong(field, text)
    name, address = "", text
    if text.endswith(">"):
        name, bracket, address = text[:-1].rpartition("<")
        if not bracket:
            raise _wrong(field, text)
        name = _name(name.strip())
    try:
        local_part, domain = split_address(address.strip())
    except ValueError:
        raise _wrong(field, text) from None
    return Mailbox(name, local_part, domain)


def split_address(address: str) -> tuple[str, str]:
    """The local part and the domain in A-labels. Raises `ValueError` if it is no address."""
    local_part, at, domain = address.rpartition("@")
    if not at or not 0 < len(local_part.encode("utf-8")) <= _MAX_LOCAL_PART:
        raise ValueError("no address")
    if not _DOT_ATOM.match(local_part) and not _QUOTED.match(local_part):
        raise ValueError("no local part")
    return local_part, _a_labels(domain)


def address_field(name: str, mailboxes: Iterable[Mailbox]) -> bytes:
    """A field of addresses, folded between and within them."""
    words: list[str] = []
    for mailbox in mailboxes:
        if words:
            words[-1] += ","
        words += mailbox.encode().split(" ")
    return fold(name, words)


def _a_labels(domain: str) -> str:
    domain = domain.lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError("no domain") from error
    labels = domain.split(".")
    if len(labels) < 2 or len(domain) > _MAX_DOMAIN:
        raise ValueError("no domain")
    if labels[-1].isdigit() or not all(map(_LABEL.match, labels)):
        raise ValueError("no domain")
    return domain


def _name(text: str) -> str:
    match = _QUOTED.match(text)
    return (_ESCAPE.sub(r"\1", match[1]) if match else text).strip()


def _phrase(name: str) -> str:
    if not name.isascii() or "=?" in name or len(name) > _MAX_PLAIN_NAME:
        return " ".join(encode_text(name))
    return name if _PLAIN_PHRASE.match(name) else quoted(name)


def _wrong(field: str, text: str) -> Invalid:
    return Invalid(
        f"Invalid `{field}` field. The email address needs to follow the `email@example.com` or "
        f"`Name <email@example.com>` format: {text[:100]!r}."
    )
