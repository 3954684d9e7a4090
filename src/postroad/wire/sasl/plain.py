"""What a client says in AUTH PLAIN and AUTH LOGIN (RFC 4616; LOGIN was never standardised)."""

from base64 import b64encode
from dataclasses import dataclass

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax

_MAX_NAME = 255
_MAX_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class PlainCredentials:
    """A name and its password; `authorization_identity` is empty when it is the name's own."""

    authentication_identity: str
    password: Secret
    authorization_identity: str = ""


def parse_plain(message: bytes) -> PlainCredentials:
    """``[authzid] NUL authcid NUL passwd`` (RFC 4616 section 2). Raises `BadSyntax`."""
    fields = message.split(b"\0")
    if len(fields) != 3:
        raise BadSyntax("authzid NUL authcid NUL passwd", 0)
    authorization, name, password = fields
    return PlainCredentials(
        _decode(name, _MAX_NAME, may_be_empty=False),
        Secret(_decode(password, _MAX_PASSWORD, may_be_empty=False)),
        _decode(authorization, _MAX_NAME, may_be_empty=True),
    )


def parse_login(name: bytes, password: bytes) -> PlainCredentials:
    """The two answers of LOGIN. Raises `BadSyntax`."""
    return PlainCredentials(
        _decode(name, _MAX_NAME, may_be_empty=False),
        Secret(_decode(password, _MAX_PASSWORD, may_be_empty=False)),
    )


def encode_plain(credentials: PlainCredentials) -> bytes:
    """The initial response of PLAIN, in base64."""
    fields = (
        credentials.authorization_identity.encode(),
        credentials.authentication_identity.encode(),
        credentials.password.octets(),
    )
    return b64encode(b"\0".join(fields))


def encode_response(text: str) -> bytes:
    return b64encode(text.encode())


def _decode(octets: bytes, limit: int, *, may_be_empty: bool) -> str:
    if len(octets) > limit or b"\0" in octets or not (octets or may_be_empty):
        raise BadSyntax(f"1 to {limit} octets without NUL", 0)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("UTF-8", error.start) from error
