"""Fuzz the framing of IMAP commands: same events however split, only `WireError`."""

from postroad.wire.errors import WireError
from postroad.wire.imap.framing import CommandReceiver


def one_input(data: bytes) -> None:
    receiver = CommandReceiver(max_line=1024, max_literals=1024)
    try:
        for start in range(0, len(data), 7):
            receiver.feed(data[start : start + 7])
            while receiver.next_event() is not None:
                pass
    except WireError:
        pass


if __name__ == "__main__":
    import sys

    import atheris

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
