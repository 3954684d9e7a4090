"""Strings of IMAP responses (RFC 9051 section 4.3), in the two forms that clients may ask for.

The plain form is ASCII alone and goes to every client. The UTF-8 form may have UTF-8 in quoted
strings; it goes to clients that enabled IMAP4rev2 or UTF8=ACCEPT (RFC 6855 section 3).
"""

import re

from postroad.formats.mime import encodedwords

NIL = b"NIL"

_NEEDS_CARE = re.compile(r"[^ !#-\[\]-~]")
_NEVER = {0: None, 10: None, 13: None}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

# Limit: old clients have short buffers for quoted strings; literals say their length first.
_LONGEST_QUOTED = 1000


def string(text: str) -> bytes:
    """The text as a quoted string or a literal; UTF-8 where it is not ASCII."""
    if _NEEDS_CARE.search(text) is None:
        octets = text.encode("ascii")
        if len(octets) <= _LONGEST_QUOTED:
            return b'"%b"' % octets
        return b"{%d}\r\n%b" % (len(octets), octets)
    octets = text.translate(_NEVER).encode("utf-8", "replace")
    if len(octets) > _LONGEST_QUOTED:
        return b"{%d}\r\n%b" % (len(octets), octets)
    return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def nstring(text: str | None, *, utf8: bool) -> bytes:
    """A string for machines (an identifier, a type), or NIL; without UTF-8, "?" stands for it."""
    if text is None:
        return NIL
    if not utf8 and not text.isascii():
        text = _NOT_ASCII.sub("?", text)
    return string(text)


def nstring_for_people(text: str | None, *, utf8: bool) -> bytes:
    """A string for people, or NIL; without UTF-8, as encoded words (RFC 6858 section 2.3)."""
    if text is None:
        return NIL
    if not utf8 and not text.isascii():
        text = " ".join(encodedwords.encode(encodedwords.decode(text)))
    return string(text)
