"""DNS records as the commands show them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.core.directory.domains import DnsRecord

_MAX_STRING = 255  # RFC 1035 section 3.3: one character-string


def record_json(record: "DnsRecord") -> dict[str, object]:
    return {
        "purpose": record.purpose,
        "name": record.name,
        "type": record.type,
        "value": record.value,
        "priority": record.priority,
    }


def zone_lines(records: Sequence["DnsRecord"]) -> list[str]:
    """In the form of zone files (RFC 1035 section 5.1)."""
    return [f"{record.name}. IN {record.type} {_content(record)}" for record in records]


def _content(record: "DnsRecord") -> str:
    if record.type == "MX":
        return f"{record.priority} {record.value}."
    pieces = [
        record.value[start : start + _MAX_STRING]
        for start in range(0, len(record.value), _MAX_STRING)
    ]
    return " ".join(
        '"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces
    )
