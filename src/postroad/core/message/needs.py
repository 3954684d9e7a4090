"""What a message asks of the servers on its way."""

from collections.abc import Sequence

from postroad.formats.mime.prepare import Measured, Prepared
from postroad.model.queue import Needs
from postroad.ports.spool import Octets


def needs_of(parsed: Prepared | Measured, octets: Octets, addresses: Sequence[str]) -> Needs:
    """The extensions without which a peer cannot take these octets to these addresses."""
    return Needs(
        eight_bit=parsed.needs_8bit,
        utf8=not octets[: parsed.header_octets].isascii()
        or not all(address.isascii() for address in addresses),
        binary=parsed.has_nul,
        long_lines=parsed.longest_line > 998,
    )
