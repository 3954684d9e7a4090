"""The ENVELOPE of a message (RFC 9051 section 7.5.2), read from its header and encoded."""

from dataclasses import dataclass

from postroad.formats.mime.address import Address, Group, parse_address_list
from postroad.formats.mime.addrspec import normalise_domain
from postroad.formats.mime.headers import Header, to_text
from postroad.formats.mime.imapstring import NIL, nstring, nstring_for_people, string

# A message has one author or a few (RFC 5322 section 3.6.2), and each is said three times.
_MOST_AUTHORS = 100
_MOST_RECIPIENTS = 10_000

Addresses = tuple[Address | Group, ...]


@dataclass(frozen=True, slots=True)
class ImapEnvelope:
    """What ENVELOPE says; None is absent. `sender` and `reply_to` have their defaults already."""

    date: str | None
    subject: str | None
    from_: Addresses
    sender: Addresses
    reply_to: Addresses
    to: Addresses
    cc: Addresses
    bcc: Addresses
    in_reply_to: str | None
    message_id: str | None


def read(header: Header) -> ImapEnvelope:
    """The envelope of a header. A field of addresses that is there twice counts as one."""
    from_ = _addresses(header, "from", _MOST_AUTHORS)
    return ImapEnvelope(
        header.text("date"),
        header.text("subject"),
        from_,
        _addresses(header, "sender", _MOST_AUTHORS) or from_,
        _addresses(header, "reply-to", _MOST_AUTHORS) or from_,
        _addresses(header, "to", _MOST_RECIPIENTS),
        _addresses(header, "cc", _MOST_RECIPIENTS),
        _addresses(header, "bcc", _MOST_RECIPIENTS),
        header.text("in-reply-to"),
        header.text("message-id"),
    )


def encode(envelope: ImapEnvelope, *, utf8: bool = False) -> bytes:
    """The envelope as octets, with its parentheses; encoded words stay as they were sent.

    Without `utf8` it is ASCII: text becomes encoded words, and an address that ASCII cannot
    say becomes one that belongs to nobody (RFC 6858 section 2.1).
    """
    from_ = _encode_addresses(envelope.from_, utf8)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(envelope.date, utf8=utf8),
        nstring_for_people(envelope.subject, utf8=utf8),
        from_,
        from_ if envelope.sender is envelope.from_ else _encode_addresses(envelope.sender, utf8),
        from_
        if envelope.reply_to is envelope.from_
        else _encode_addresses(envelope.reply_to, utf8),
        _encode_addresses(envelope.to, utf8),
        _encode_addresses(envelope.cc, utf8),
        _encode_addresses(envelope.bcc, utf8),
        nstring(envelope.in_reply_to, utf8=utf8),
        nstring(envelope.message_id, utf8=utf8),
    )


def _addresses(header: Header, name: str, limit: int) -> Addresses:
    found: Addresses = ()
    for value in header.find_all(name):
        if len(found) < limit:
            found += parse_address_list(to_text(value), limit - len(found))
    return found


def _encode_addresses(addresses: Addresses, utf8: bool) -> bytes:
    if not addresses:
        return NIL
    encoded: list[bytes] = []
    for address in addresses:
        if isinstance(address, Address):
            encoded.append(_encode_address(address, utf8))
            continue
        # A group: its name with a NIL host, its members, and an end with nothing but NIL.
        encoded.append(b"(NIL NIL %b NIL)" % nstring_for_people(address.name, utf8=utf8))
        encoded += [_encode_address(member, utf8) for member in address.members]
        encoded.append(b"(NIL NIL NIL NIL)")
    return b"(%b)" % b"".join(encoded)


def _encode_address(address: Address, utf8: bool) -> bytes:
    name, domain = address.name, address.domain or ""
    local_part, route = address.local_part, address.route
    if not utf8:
        if not domain.isascii():
            domain = normalise_domain(domain)
        if not local_part.isascii() or not domain.isascii():
            name = name or address.addr_spec
            local_part, domain = "invalid", "internationalized-address.invalid"
    # A host of NIL would begin a group: an address without a domain has an empty one.
    return b"(%b %b %b %b)" % (
        NIL if name is None else nstring_for_people(name, utf8=utf8),
        NIL if route is None else nstring(route, utf8=utf8),
        string(local_part),
        string(domain),
    )
