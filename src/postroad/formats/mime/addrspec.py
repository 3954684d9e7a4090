"""One address, read strictly: for envelopes and identities (RFC 5321 section 4.1.2, RFC 6531)."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

from postroad.base.syntax import BadSyntax
from postroad.formats.mime.address import quote_local_part

# RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.2, in octets.
LOCAL_PART_LIMIT = 64
DOMAIN_LIMIT = 255

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\ud7ff\ue000-\U0010ffff"
_DOT_STRING = re.compile(f"[{_ATEXT}]++(?:\\.[{_ATEXT}]++)*+")
_QUOTED_STRING = re.compile(r'"((?:[ !#-\[\]-~\x80-\ud7ff\ue000-\U0010ffff]|\\[ -~])*+)"')
_LITERAL = re.compile(r"\[([!-Z^-~]++)\]")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(f"{_LABEL}(?:\\.{_LABEL})*+")
_GENERAL = re.compile(r"[A-Za-z0-9\-]*[A-Za-z0-9]:[!-Z^-~]+\Z")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class AddrSpec:
    """A valid address: the local part without quoting, the domain as given (or `[literal]`)."""

    local_part: str
    domain: str

    def __str__(self) -> str:
        return f"{quote_local_part(self.local_part)}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part or the domain goes beyond ASCII (RFC 6531)."""
        return not (self.local_part.isascii() and self.domain.isascii())

    @property
    def lookup_key(self) -> str:
        """The address for looking it up: in lower case, the domain as A-labels.

        RFC 5321 section 2.4 leaves the case of a local part to its host; ours has none.
        """
        return f"{self.local_part.lower()}@{normalise_domain(self.domain)}"


def parse_addr_spec(text: str) -> AddrSpec:
    """Read a Mailbox of RFC 5321 section 4.1.2, as extended by RFC 6531 section 3.3, whole.

    Raises `BadSyntax`.
    """
    local_part, at = _local_part(text)
    if len(local_part.encode("utf-8")) > LOCAL_PART_LIMIT:
        raise BadSyntax(f"a local part of at most {LOCAL_PART_LIMIT} octets", 0)
    if text[at : at + 1] != "@":
        raise BadSyntax('"@"', at)
    return AddrSpec(local_part, _domain(text, at + 1))


def normalise(address: AddrSpec) -> AddrSpec:
    """The same address with its domain in lower case and as A-labels; the local part is kept."""
    return AddrSpec(address.local_part, normalise_domain(address.domain))


def normalise_domain(domain: str) -> str:
    """The domain in lower case, as A-labels (RFC 5890) where it can be; for comparing."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return domain.lower()


def _local_part(text: str) -> tuple[str, int]:
    found = _DOT_STRING.match(text)
    if found is not None:
        return found[0], found.end()
    found = _QUOTED_STRING.match(text)
    if found is None:
        raise BadSyntax("a local part", 0)
    return _ESCAPE.sub(r"\1", found[1]), found.end()


def _domain(text: str, at: int) -> str:
    domain = text[at:]
    if len(domain) > DOMAIN_LIMIT:
        raise BadSyntax(f"a domain of at most {DOMAIN_LIMIT} octets", at)
    if domain.startswith("["):
        return _address_literal(domain, at)
    ascii_domain = domain
    if not domain.isascii():
        try:
            ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadSyntax("an internationalised domain", at) from error
    if len(ascii_domain) > DOMAIN_LIMIT or _DOMAIN.fullmatch(ascii_domain) is None:
        raise BadSyntax("a domain", at)
    return domain


def _address_literal(domain: str, at: int) -> str:
    """RFC 5321 section 4.1.3."""
    found = _LITERAL.fullmatch(domain)
    if found is None:
        raise BadSyntax("an address literal", at)
    literal = found[1]
    try:
        if literal[:5].lower() == "ipv6:":
            IPv6Address(literal[5:])
        elif _GENERAL.match(literal) is None:
            IPv4Address(literal)
    except AddressValueError as error:
        raise BadSyntax("an address literal", at) from error
    return domain
