"""Fuzz the DKIM verifier: no octets may make it raise, or pass without a key."""

import re
import sys

from postroad.formats.dkim.canonical import BodyHasher, Canonicalisation
from postroad.formats.dkim.keys import parse_record
from postroad.formats.dkim.signature import parse_signature, without_signature
from postroad.formats.dkim.verifying import Verifier


def one_input(data: bytes) -> None:
    """The first line is a signature, what follows a header and a body."""
    header, _, body = data.partition(b"\r\n\r\n")
    Verifier(b"DKIM-Signature: " + header + b"\r\n").update(body)
    parse_signature(header)
    parse_record(data.decode("utf-8", "replace"))
    without_signature(data)
    for how in Canonicalisation:
        whole, pieces = BodyHasher(how), BodyHasher(how)
        whole.update(body)
        for piece in re.findall(rb"(?s).{1,3}", body):
            pieces.update(piece)
        assert whole.finish() == pieces.finish()


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
