"""Octets from a client: the events do not depend on the cuts, and nothing is raised but limits."""

import sys

from postroad.wire.errors import WireError
from postroad.wire.smtp.framing import CommandReceiver, Content, Line


def one_input(data: bytes) -> None:
    size = data[0] + 1 if data else 1
    whole = _content([data[1:]])
    cut = _content([data[n : n + size] for n in range(1, len(data), size)])
    assert whole == cut


def _content(pieces: list[bytes]) -> bytes:
    receiver = CommandReceiver(max_line=64)
    seen = b""
    try:
        for piece in pieces:
            receiver.feed(piece)
            while (event := receiver.next_event()) is not None:
                if isinstance(event, Content):
                    seen += event.octets
                    continue
                seen += repr(event).encode()
                if isinstance(event, Line) and event.text[:1] == b"D":
                    receiver.expect_data()
                elif isinstance(event, Line) and event.text[:1] == b"B":
                    receiver.expect_chunk(len(event.text))
    except WireError:
        pass
    return seen


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
