"""Looks at the header of a message on its way in, without parsing the whole of it."""

import re

from postroad.ports.spool import Octets

_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MAX_HEADER = 1_048_576


def header_end(octets: Octets) -> int:
    """Where the empty line after the header begins; the whole size when there is none."""
    if octets[:2] == b"\r\n":
        return 0
    end = octets.find(b"\r\n\r\n", 0, _MAX_HEADER)
    return min(len(octets), _MAX_HEADER) if end < 0 else end + 2


def count_received(octets: Octets) -> int:
    return len(_RECEIVED.findall(octets[: header_end(octets)]))
