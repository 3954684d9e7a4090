"""Looks at the header of a message on its way in, without parsing the whole of it."""

import re

from postroad.ports.spool import Octets

_RECEIVED = re.compile(rb"\nreceived[ \t]*:")  # in lower case, so that the search leaps in C
_MAX_HEADER = 1_048_576


def header_end(octets: Octets) -> int:
    """Where the empty line after the header begins; the whole size when there is none."""
    if octets[:2] == b"\r\n":
        return 0
    end = octets.find(b"\r\n\r\n", 0, _MAX_HEADER)
    return min(len(octets), _MAX_HEADER) if end < 0 else end + 2


def is_header_too_large(octets: Octets) -> bool:
    """Whether the header goes on where `header_end` has stopped to look."""
    end = header_end(octets)
    return end < len(octets) and octets[end : end + 2] != b"\r\n"


def count_received(octets: Octets) -> int:
    return len(_RECEIVED.findall(b"\n" + octets[: header_end(octets)].lower()))
