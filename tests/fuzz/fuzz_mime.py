"""Fuzz the reading of a message: any octets are prepared, and IMAP can say what they are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does; the target runs without it

from formats.mime.test_prepare import check


def one_input(data: bytes) -> None:
    """A message, as it comes."""
    check(data)


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
