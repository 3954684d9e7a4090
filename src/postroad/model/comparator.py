"""How texts are compared (RFC 4790)."""

from enum import Enum


class Comparator(Enum):
    """The value is its name; the first one is the default (RFC 5255 section 4.4)."""

    UNICODE = (
        "i;unicode-casemap"  # RFC 5051; the search index and the keys of rows are in its form
    )
    ASCII = "i;ascii-casemap"  # RFC 4790 section 9.2
