"""What is searched of a header field: FROM, TO, CC, BCC, SUBJECT and HEADER."""

import re
from collections.abc import Iterator

from postroad.core.search.folding import fold
from postroad.formats.mime import encodedwords, headers
from postroad.formats.mime.address import mailboxes, parse_address_list
from postroad.formats.mime.headers import Header
from postroad.stores.search import FIELDS

# RFC 9051 section 6.4.4: what is searched is "the envelope structure's field".
_ADDRESS_FIELDS = frozenset(("bcc", "cc", "from", "to"))
_ODD = re.compile(r"[(\\]|\s[@.>]|[@.<]\s")
_LONGEST = 4000  # characters of a field that an index keeps


def texts_of(block: bytes, field: str) -> Iterator[str]:
    """The texts of all fields of that lower-case name, decoded, not folded.

    Addresses as they stand and, where that differs, as ENVELOPE has them: without comments and
    odd spaces.
    """
    for found in headers.fields(block, 0, len(block)):
        if found.name.lower() == field:
            yield from _searched(field, headers.decode(found.raw(block)))


def known_fields(block: bytes) -> tuple[str | None, ...]:
    """What an index keeps of a header block, see `MessageText.fields`."""
    header = Header(block)
    return tuple(_known(header, field) for field in FIELDS)


def _known(header: Header, field: str) -> str | None:
    texts = [
        text
        for value in header.find_all(field)
        for text in _searched(field, encodedwords.decode(headers.to_text(value)))
    ]
    if sum(map(len, texts)) > _LONGEST:
        return None
    return "".join([f"\n{fold(text)}" for text in texts])


def _searched(field: str, text: str) -> Iterator[str]:
    yield text
    if field in _ADDRESS_FIELDS and _ODD.search(text):
        plain = mailboxes(parse_address_list(text))
        yield ", ".join(f"{one.display_name or ''} <{one.addr_spec}>" for one in plain)
