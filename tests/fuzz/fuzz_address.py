"""Fuzz the address parsers: the tolerant one takes anything, the strict one says what is wrong."""

import sys

from postroad.formats.mime.address import mailboxes, parse_address_list
from postroad.formats.mime.addrspec import normalise, parse_addr_spec
from postroad.formats.mime.headers import to_text
from postroad.wire.errors import WireError


def one_input(data: bytes) -> None:
    """A field's value."""
    text = to_text(data)
    for address in mailboxes(parse_address_list(text)):
        assert address.addr_spec
    try:
        address_spec = parse_addr_spec(text)
    except WireError:
        return
    assert parse_addr_spec(str(address_spec)) == address_spec
    normalise(address_spec)


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
