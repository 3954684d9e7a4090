"""Fuzz the conversion: what comes out fits, or it says that it cannot."""

import sys

from postroad.formats.convert.convert import Converted, convert
from postroad.formats.convert.examine import examine
from postroad.model.queue import Needs


def one_input(data: bytes) -> None:
    """Convert a message for a server that lacks everything."""
    result = convert(data, Needs(eight_bit=True, utf8=True, binary=True))
    if isinstance(result, Converted):
        octets = b"".join(result.chunks())
        assert examine(octets, 0, len(octets)) == Needs()


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
