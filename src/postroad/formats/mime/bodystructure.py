"""BODYSTRUCTURE and BODY of a message (RFC 9051 section 7.5.2, RFC 3501 section 7.4.2)."""

from functools import lru_cache

from postroad.formats.mime import content as contents
from postroad.formats.mime import envelope as envelopes
from postroad.formats.mime.content import Content, Disposition
from postroad.formats.mime.imapstring import NIL, nstring, nstring_for_people, string
from postroad.formats.mime.parameters import Parameters, decode_extended, encode_extended
from postroad.formats.mime.scanner import Part

# Parts of many messages say the same of themselves, in as few octets.
_USUAL_HEADER_OCTETS = 512
_USUAL_CONTENTS = 1024


def encode(part: Part, *, extensible: bool, utf8: bool = False) -> bytes:
    """The structure as octets: BODYSTRUCTURE if `extensible`, else BODY.

    Recursive, as deep as the scanner's limit. Without `utf8` it is ASCII.
    """
    if part.is_multipart:
        return _multipart(part, extensible, utf8)
    return _single(part, extensible, utf8)


def _multipart(part: Part, extensible: bool, utf8: bool) -> bytes:
    children = b"".join(
        [encode(child, extensible=extensible, utf8=utf8) for child in part.children]
    )
    content = part.content
    if not extensible:
        return b"(%b %b)" % (children, nstring(content.subtype, utf8=utf8))
    return b"(%b %b %b%b)" % (
        children,
        nstring(content.subtype, utf8=utf8),
        _parameters(content.parameters, utf8),
        _extension(content, utf8),
    )


def _single(part: Part, extensible: bool, utf8: bool) -> bytes:
    content = _as_single(part)
    is_usual = part.body_start - part.header_start <= _USUAL_HEADER_OCTETS
    beginning, end = (_usual_fields if is_usual else _fields)(content, utf8)
    pieces = [b"(%b %d" % (beginning, part.size)]
    if part.is_message:
        child = part.children[0]
        assert child.header is not None  # noqa: S101  the scanner gives every message its header
        pieces += (
            b" ",
            envelopes.encode(envelopes.read(child.header), utf8=utf8),
            b" ",
            encode(child, extensible=extensible, utf8=utf8),
            b" %d" % part.lines,
        )
    elif content.media_type == "text":
        pieces.append(b" %d" % part.lines)
    if extensible:
        pieces.append(end)
    pieces.append(b")")
    return b"".join(pieces)


def _fields(content: Content, utf8: bool) -> tuple[bytes, bytes]:
    """What goes before the size of a single part, and its extension data, after a space."""
    beginning = b" ".join(
        (
            nstring(content.media_type, utf8=utf8),
            nstring(content.subtype, utf8=utf8),
            _parameters(_with_charset(content), utf8),
            nstring(content.content_id, utf8=utf8),
            nstring_for_people(content.description, utf8=utf8),
            nstring(content.encoding, utf8=utf8),
        )
    )
    return beginning, b" " + nstring(content.md5, utf8=utf8) + _extension(content, utf8)


_usual_fields = lru_cache(_USUAL_CONTENTS)(_fields)


def _as_single(part: Part) -> Content:
    """What a part is called. The grammar has no multipart without parts, and no closed message."""
    content = part.content
    if part.children or content.media_type not in ("multipart", "message"):
        return content
    if content.media_type == "multipart":
        return _renamed(content, contents.DEFAULT)
    if content.subtype in ("rfc822", "global"):
        return _renamed(content, Content("application", "octet-stream"))
    return content


def _renamed(content: Content, like: Content) -> Content:
    return Content(
        like.media_type,
        like.subtype,
        like.parameters,
        content.encoding,
        content.content_id,
        content.description,
        content.md5,
        content.disposition,
        content.language,
        content.location,
    )


def _with_charset(content: Content) -> Parameters:
    """Interop: a text's charset is always said, as most servers do (RFC 2046 section 4.1.2)."""
    if content.media_type != "text" or content.charset is not None:
        return content.parameters
    return (*content.parameters, *contents.US_ASCII)


def _parameters(parameters: Parameters, utf8: bool) -> bytes:
    if not parameters:
        return NIL
    encoded: list[bytes] = []
    for name, value in parameters:
        if utf8 and name.endswith("*"):
            # RFC 9051 section 7.5.2: decoded, and still called so.
            value = decode_extended(value)
        elif not utf8 and not value.isascii():
            name, value = encode_extended(name.removesuffix("*"), value)
        encoded.append(b"%b %b" % (nstring(name, utf8=utf8), string(value)))
    return b"(%b)" % b" ".join(encoded)


def _extension(content: Content, utf8: bool) -> bytes:
    """Disposition, language and location, each after a space."""
    if content.disposition is None and not content.language and content.location is None:
        return b" NIL NIL NIL"
    return b" %b %b %b" % (
        _disposition(content.disposition, utf8),
        _language(content.language, utf8),
        nstring(content.location, utf8=utf8),
    )


def _disposition(disposition: Disposition | None, utf8: bool) -> bytes:
    if disposition is None:
        return NIL
    return b"(%b %b)" % (
        nstring(disposition.kind, utf8=utf8),
        _parameters(disposition.parameters, utf8),
    )


def _language(language: tuple[str, ...], utf8: bool) -> bytes:
    if len(language) < 2:
        return nstring(language[0] if language else None, utf8=utf8)
    return b"(%b)" % b" ".join([nstring(tag, utf8=utf8) for tag in language])
