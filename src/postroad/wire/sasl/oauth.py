"""The messages of OAUTHBEARER (RFC 7628) and of XOAUTH2, its forerunner at Google."""

import json
import re
from dataclasses import dataclass

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax

# Interop: `user=` is in the example of RFC 7628 section 4.4, and so in clients.
_BEARER = re.compile(
    rb"(?:[ny]),(?:(?:a|user)=(?P<name>(?:[^\x00,=\x01]|=2C|=3D)+))?,\x01"
    rb"(?P<pairs>(?:[A-Za-z]+=[\x20-\x7e\t\r\n]*\x01)*)\x01"
)
_XOAUTH2 = re.compile(rb"user=(?P<name>[^\x00\x01]+)\x01auth=(?P<auth>[\x20-\x7e]*)\x01\x01")
_AUTH = re.compile(rb"Bearer +(?P<token>[A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)  # RFC 6750
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class BearerRequest:
    """Whose mail is asked for, "" when that is left to the token; no token asks what is needed."""

    name: str
    token: Secret | None


def parse_oauthbearer(message: bytes) -> BearerRequest:
    """RFC 7628 section 3.1; unknown keys are passed over. Raises `BadSyntax`.

    Deviation: `host` and `port` are not compared with ours. They matter to kinds of tokens that
    sign them; for us they would only forbid other names of the same server.
    """
    match = _BEARER.fullmatch(message)
    if match is None:
        raise BadSyntax("the message of an OAUTHBEARER client", 0)
    pairs = [pair.partition(b"=") for pair in match["pairs"].split(b"\x01")[:-1]]
    given = [value for key, _, value in pairs if key.lower() == b"auth"]
    if len(given) != 1:
        raise BadSyntax("auth=, once", 0)
    name = _name(match["name"] or b"").replace("=2C", ",").replace("=3D", "=")
    return BearerRequest(name, _token(given[0]))


def parse_xoauth2(message: bytes) -> BearerRequest:
    """``user=NAME ^A auth=Bearer TOKEN ^A ^A``. Raises `BadSyntax`."""
    match = _XOAUTH2.fullmatch(message)
    if match is None:
        raise BadSyntax("the message of an XOAUTH2 client", 0)
    return BearerRequest(_name(match["name"]), _token(match["auth"]))


def encode_failure(status: str, scope: str, configuration: str, schemes: str = "") -> bytes:
    """The error result (RFC 7628 section 3.2.2); what is empty is left out."""
    fields = {
        "status": status,
        "schemes": schemes,
        "scope": scope,
        "openid-configuration": configuration,
    }
    told = {key: value for key, value in fields.items() if value}
    return json.dumps(told, separators=(",", ":")).encode()


def _token(auth: bytes) -> Secret | None:
    match = _AUTH.fullmatch(auth.strip())
    return None if match is None else Secret(match["token"].decode())


def _name(octets: bytes) -> str:
    if len(octets) > _MAX_NAME:
        raise BadSyntax(f"at most {_MAX_NAME} octets", _MAX_NAME)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("UTF-8", error.start) from error
