"""Addresses as identities: the one form in which they are compared and kept.

Domains become A-labels in lower case (RFC 5890), local parts are in NFC and lower case: on this
server `Alice@` and `alice@` are the same person, as every peer's users expect, though RFC 5321
section 2.4 would let them differ.
"""

import re
import unicodedata

import idna

from postroad.base.errors import Invalid

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_LOCAL = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+\Z")
_MAX_LOCAL = 64  # RFC 5321 section 4.5.3.1.1
_MAX_DOMAIN = 253


def normalise_domain(domain: str) -> str:
    """A-labels in lower case, no trailing dot. Raises `Invalid`, naming what is wrong."""
    plain = domain.rstrip(".").lower() if domain.isascii() else domain.rstrip(".")
    if not plain.isascii():
        try:
            plain = idna.encode(plain, uts46=True).decode("ascii").lower()
        except idna.IDNAError as error:
            raise Invalid(f"{domain!r} is not a domain: {error}") from error
    if not plain or len(plain) > _MAX_DOMAIN:
        raise Invalid(f"a domain has 1 to {_MAX_DOMAIN} characters, {domain!r} does not")
    if not all(_LABEL.match(label) for label in plain.split(".")):
        raise Invalid(f"{domain!r} is not a domain: labels are letters, digits and hyphens")
    return plain


def split_address(address: str) -> tuple[str, str]:
    """Local part and domain, as they stand; the domain is "" when there is none."""
    local_part, at, domain = address.rpartition("@")
    return (local_part, domain) if at else (address, "")


def normalise_local_part(local_part: str) -> str:
    return unicodedata.normalize("NFC", unquote_local_part(local_part)).lower()


def unquote_local_part(local_part: str) -> str:
    """The content of a quoted-string, which names the same mailbox (RFC 5321 section 4.1.2)."""
    if len(local_part) >= 2 and local_part.startswith('"') and local_part.endswith('"'):
        return re.sub(r"\\(.)", r"\1", local_part[1:-1])
    return local_part


def normalise_address(address: str) -> str:
    """For comparison, never raising: what is no address is lower-cased and equals nothing real."""
    local_part, domain = split_address(address.strip())
    try:
        return f"{normalise_local_part(local_part)}@{normalise_domain(domain)}"
    except Invalid:
        return address.strip().lower()


def acceptable_address(address: str) -> str:
    """The normalised form of an address that an account or alias may have. Raises `Invalid`."""
    local_part, domain = split_address(address.strip())
    if not domain:
        raise Invalid(f"{address!r} is not an address: write it as name@domain")
    wanted = normalise_local_part(local_part)
    if not _LOCAL.match(wanted) or len(wanted.encode()) > _MAX_LOCAL:
        raise Invalid(f"{local_part!r} cannot be the name in an address")
    if wanted.startswith(".") or wanted.endswith(".") or ".." in wanted:
        raise Invalid(f"{local_part!r} has a dot at an end, or two in a row")
    return f"{wanted}@{normalise_domain(domain)}"
