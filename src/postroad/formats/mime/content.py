"""What the Content-* fields of an entity say (RFC 2045, RFC 2183, RFC 2557, RFC 1864)."""

import re
from dataclasses import dataclass, field

from postroad.formats.mime import parameters
from postroad.formats.mime.headers import Header, to_text
from postroad.formats.mime.parameters import Parameters

# Limit: what the structure of a message may say about one part, in octets of one field.
_FIELD_LIMIT = 16 * 1024

_TYPE = re.compile(r"[ \t]*+([!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++)[ \t]*+/[ \t]*+([^\s;,()<>@\"\\/]++)")
_TOKEN = re.compile(r"[ \t]*+([^\s;,()<>@\"\\/]++)")

US_ASCII: Parameters = (("charset", "us-ascii"),)


@dataclass(frozen=True, slots=True)
class Disposition:
    """Content-Disposition (RFC 2183): `kind` in lower case."""

    kind: str
    parameters: Parameters = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The description of an entity. Types and the encoding are in lower case; absent is None."""

    media_type: str = "text"
    subtype: str = "plain"
    parameters: Parameters = ()
    encoding: str = "7bit"
    content_id: str | None = None
    description: str | None = None
    md5: str | None = None
    disposition: Disposition | None = None
    language: tuple[str, ...] = field(default=())
    location: str | None = None

    @property
    def filename(self) -> str | None:
        """The name of the file, for people: from the disposition, else from the type."""
        name = None
        if self.disposition is not None:
            name = parameters.find(self.disposition.parameters, "filename")
        return parameters.find(self.parameters, "name") if name is None else name

    @property
    def charset(self) -> str | None:
        """The label of the charset, as it was sent."""
        return parameters.find(self.parameters, "charset")


DEFAULT = Content(parameters=US_ASCII)
"""What an entity without Content-Type is (RFC 2045 section 5.2)."""

DEFAULT_IN_DIGEST = Content("message", "rfc822")
"""The same in a multipart/digest (RFC 2046 section 5.1.5)."""


def read(header: Header, default: Content = DEFAULT) -> Content:
    """What the header says of its entity; never raises, and takes the default for nonsense."""
    if not header.has_content:
        return default
    media_type, subtype, parsed = _media_type(_text(header, "content-type"), default)
    language = _text(header, "content-language")
    location = _text(header, "content-location")
    return Content(
        media_type,
        subtype,
        parsed,
        _encoding(_text(header, "content-transfer-encoding")),
        _text(header, "content-id"),
        _text(header, "content-description"),
        _text(header, "content-md5"),
        _disposition(_text(header, "content-disposition")),
        () if language is None else _languages(language),
        None if location is None else "".join(location.split()),
    )


def _text(header: Header, name: str) -> str | None:
    value = header.find(name)
    return None if value is None else to_text(value[:_FIELD_LIMIT])


def _media_type(text: str | None, default: Content) -> tuple[str, str, Parameters]:
    if text is None:
        return default.media_type, default.subtype, default.parameters
    if "(" in text:
        text = parameters.strip_comments(text)
    match = _TYPE.match(text)
    if match is None:
        # RFC 2045 section 5.2: a type that cannot be read is text/plain.
        return DEFAULT.media_type, DEFAULT.subtype, DEFAULT.parameters
    parsed = parameters.parse(text[match.end() :]) if ";" in text else ()
    return match[1].lower(), match[2].lower(), parsed


def _encoding(text: str | None) -> str:
    if text is None:
        return "7bit"
    match = _TOKEN.match(parameters.strip_comments(text))
    return "7bit" if match is None else match[1].lower()


def _disposition(text: str | None) -> Disposition | None:
    if text is None:
        return None
    text = parameters.strip_comments(text)
    match = _TOKEN.match(text)
    parsed = parameters.parse(text) if ";" in text else ()
    if match is not None:
        return Disposition(match[1].lower(), parsed)
    # RFC 2183 section 2.8: what is not known is an attachment.
    return Disposition("attachment", parsed) if parsed else None


def _languages(text: str) -> tuple[str, ...]:
    tags = parameters.strip_comments(text).split(",")
    return tuple(tag.strip() for tag in tags[:20] if tag.strip())
