"""The messages of SCRAM (RFC 5802 section 7), for every hash function."""

import re
from base64 import b64encode
from dataclasses import dataclass

from postroad.wire.errors import BadSyntax
from postroad.wire.sasl.responses import decode_response

_MAX_MESSAGE = 4096
_SASLNAME = rb"(?:[^\x00,=]|=2C|=3D)+"
_FIRST = re.compile(
    rb"(?P<header>(?:(?P<flag>[ny])|p=(?P<binding>[A-Za-z0-9.\-]+)),"
    rb"(?:a=(?P<authzid>" + _SASLNAME + rb"))?,)"
    rb"(?P<bare>n=(?P<name>" + _SASLNAME + rb"),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)"
    rb"(?P<extensions>(?:,[A-Za-z]=[^\x00,]+)*))",
)
_FINAL = re.compile(
    rb"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]*),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)"
    rb"(?P<extensions>(?:,[A-Za-z]=[^\x00,]+)*)),p=(?P<proof>[A-Za-z0-9+/=]+)"
)


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """`binding` is the type of channel binding that is used, None without one.

    `believes_in_none` is the flag "y": the client could bind, and thinks that we cannot.
    """

    name: str
    nonce: str
    header: bytes  # the GS2 header as it was sent
    bare: bytes  # what is behind it
    authorization_identity: str = ""
    binding: str | None = None
    believes_in_none: bool = False


@dataclass(frozen=True, slots=True)
class ClientFinal:
    binding_input: bytes  # the GS2 header, and the data of the channel binding
    nonce: str
    proof: bytes
    without_proof: bytes


def parse_client_first(message: bytes) -> ClientFirst:
    """Raises `BadSyntax`, also for a mandatory extension, as none is known (section 5.1)."""
    match = _FIRST.fullmatch(_bounded(message))
    if match is None:
        raise BadSyntax("the first message of a SCRAM client", 0)
    binding = match["binding"]
    return ClientFirst(
        name=_saslname(match["name"]),
        nonce=match["nonce"].decode(),
        header=match["header"],
        bare=match["bare"],
        authorization_identity=_saslname(match["authzid"] or b""),
        binding=None if binding is None else binding.decode(),
        believes_in_none=match["flag"] == b"y",
    )


def parse_client_final(message: bytes) -> ClientFinal:
    """Raises `BadSyntax`."""
    match = _FINAL.fullmatch(_bounded(message))
    if match is None:
        raise BadSyntax("the final message of a SCRAM client", 0)
    return ClientFinal(
        binding_input=decode_response(match["binding"]),
        nonce=match["nonce"].decode(),
        proof=decode_response(match["proof"]),
        without_proof=match["bare"],
    )


def encode_server_first(nonce: str, salt: bytes, iterations: int) -> bytes:
    return b"r=%b,s=%b,i=%d" % (nonce.encode(), b64encode(salt), iterations)


def encode_server_final(signature: bytes) -> bytes:
    return b"v=" + b64encode(signature)


def _bounded(message: bytes) -> bytes:
    if len(message) > _MAX_MESSAGE:
        raise BadSyntax(f"at most {_MAX_MESSAGE} octets", _MAX_MESSAGE)
    return message


def _saslname(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("UTF-8", error.start) from error
    return text.replace("=2C", ",").replace("=3D", "=")
