"""Challenges and responses of a SASL exchange, as IMAP and SMTP write them: in base64."""

import binascii
from base64 import b64decode, b64encode

from postroad.wire.errors import BadSyntax, LimitExceeded

MAX_RESPONSE = 12288
"""Octets of a response in base64; enough for every mechanism, as RFC 4954 section 4 has it."""


def decode_response(line: bytes | str) -> bytes:
    """The octets of a base64 response; ``=`` is an empty one (RFC 4954 section 4).

    Raises `BadSyntax` for anything that is not exactly base64, and `LimitExceeded`.
    """
    octets = line.encode() if isinstance(line, str) else line
    if len(octets) > MAX_RESPONSE:
        raise LimitExceeded("octets of a response", MAX_RESPONSE)
    if octets == b"=":
        return b""
    try:
        return b64decode(octets, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSyntax("base64", 0) from error


def encode_challenge(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
