"""Messages of SASL mechanisms: whatever comes, only `WireError` is raised."""

import contextlib
import sys

from postroad.formats.text.saslprep import saslprep
from postroad.wire.errors import WireError
from postroad.wire.sasl.external import parse_external
from postroad.wire.sasl.oauth import parse_oauthbearer, parse_xoauth2
from postroad.wire.sasl.plain import parse_login, parse_plain
from postroad.wire.sasl.responses import decode_response
from postroad.wire.sasl.scram import parse_client_final, parse_client_first

PARSERS = (
    decode_response,
    parse_external,
    parse_plain,
    parse_client_first,
    parse_client_final,
    parse_oauthbearer,
    parse_xoauth2,
)


def one_input(data: bytes) -> None:
    for parse in PARSERS:
        with contextlib.suppress(WireError):
            parse(data)
    with contextlib.suppress(WireError):
        parse_login(data, data)
    with contextlib.suppress(WireError):
        saslprep(data.decode("utf-8", "replace"), is_stored=bool(data[:1] < b"\x80"))
    with contextlib.suppress(WireError):
        first = parse_client_first(b"n,,n=" + data + b",r=x")
        assert first.header + first.bare == b"n,,n=" + data + b",r=x"


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
