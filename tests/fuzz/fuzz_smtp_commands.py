"""Command lines, SASL messages and replies: whatever comes, only `WireError` is raised."""

import contextlib
import sys

from postroad.wire.errors import WireError
from postroad.wire.sasl.plain import parse_plain
from postroad.wire.sasl.responses import decode_response
from postroad.wire.smtp.commands import decode_xtext, parse_command
from postroad.wire.smtp.replies import ReplyReceiver


def one_input(data: bytes) -> None:
    for utf8 in (False, True):
        with contextlib.suppress(WireError):
            parse_command(data, utf8=utf8)
    with contextlib.suppress(WireError):
        parse_plain(decode_response(data))
    with contextlib.suppress(WireError):
        parse_plain(data)
    with contextlib.suppress(WireError):
        decode_xtext(data.decode("latin-1"))
    with contextlib.suppress(WireError):
        ReplyReceiver().feed(data)


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
