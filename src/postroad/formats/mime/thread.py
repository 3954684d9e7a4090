"""Keys for SORT and THREAD (RFC 5256, RFC 5957): base subject, names and addresses, sent date."""

import re
import unicodedata

from postroad.formats.mime import date, encodedwords
from postroad.formats.mime.address import Address, Group
from postroad.formats.mime.date import SentDate
from postroad.formats.mime.headers import Header

# Limit: subjects and keys are kept in an index.
_LONGEST_SUBJECT = 1000
KEY_LIMIT = 255
"""Characters of a sort key that count."""

_SPACES = re.compile(r"[ \t\r\n]+")

# RFC 5256 section 5.
_BLOB = r"\[[^\[\]]*+\][ \t]*+"
_REFWD = rf"(?:re|fwd?)[ \t]*+(?:{_BLOB})?:"
_LEADER = re.compile(rf"(?:(?:{_BLOB})*+{_REFWD}|[ \t])++", re.IGNORECASE)
_ONE_BLOB = re.compile(_BLOB)
_FORWARDED = "[fwd:"


def base_subject(subject: str) -> str:
    """The base subject (RFC 5256 section 2.1) of an unfolded subject, encoded words or not."""
    text = _SPACES.sub(" ", encodedwords.decode(subject)[:_LONGEST_SUBJECT])
    while True:
        text = _without_trailers(text)
        text = _without_leaders(text)
        if not (text[:5].lower() == _FORWARDED and text.endswith("]")):
            return text
        text = text[5:-1]


def _without_trailers(text: str) -> str:
    text = text.rstrip(" ")
    while text[-5:].lower() == "(fwd)":
        text = text[:-5].rstrip(" ")
    return text


def _without_leaders(text: str) -> str:
    """Steps 3 to 5."""
    at = 0
    while True:
        begin = at
        leader = _LEADER.match(text, at)
        if leader is not None:
            at = leader.end()
        blob = _ONE_BLOB.match(text, at)
        if blob is not None and blob.end() < len(text):
            at = blob.end()
        if at == begin:
            return text[at:]


def is_reply_or_forward(subject: str) -> bool:
    """Whether the base subject lost a "Re:", "Fwd:" or "(fwd)" (RFC 5256 section 3)."""
    text = _SPACES.sub(" ", encodedwords.decode(subject)[:_LONGEST_SUBJECT]).strip(" ")
    if text[-5:].lower() == "(fwd)":
        return True
    if text[:5].lower() == _FORWARDED and text.endswith("]"):
        return True
    return re.match(rf"(?:{_BLOB})*+{_REFWD}", text, re.IGNORECASE) is not None


def collation_key(text: str) -> str:
    """What text sorts by: i;unicode-casemap (RFC 5051 section 2), at most `KEY_LIMIT` long."""
    text = text[:KEY_LIMIT]
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", "".join(map(str.title, text)))[:KEY_LIMIT]


def ascii_key(text: str) -> str:
    """What text sorts by with i;ascii-casemap (RFC 4790 section 9.2.1): as its octets in UTF-8."""
    return text.encode("utf-8", "replace").upper().decode()


def sort_subject(subject: str | None) -> str:
    """The key for SORT SUBJECT."""
    return collation_key(base_subject(subject)) if subject else ""


def sort_address(addresses: tuple[Address | Group, ...]) -> str:
    """The key for SORT FROM, TO and CC: the mailbox of the first address (RFC 5256 section 3).

    Of a group this is its name, as in the first address of ENVELOPE.
    """
    if not addresses:
        return ""
    first = addresses[0]
    return collation_key(first.display_name if isinstance(first, Group) else first.local_part)


def display_name(addresses: tuple[Address | Group, ...]) -> str:
    """What DISPLAYFROM and DISPLAYTO show of the first address (RFC 5957 section 2).

    The name, else the address; of a group its name. Not a key yet: see `collation_key`.
    """
    if not addresses:
        return ""
    first = addresses[0]
    return (first.display_name or "") or ("" if isinstance(first, Group) else first.addr_spec)


def sent_date(header: Header) -> SentDate | None:
    """What the Date field says; None if it is absent or has no valid day."""
    text = header.text("date")
    return None if text is None else date.parse(text)
