"""OAUTHBEARER (RFC 7628) and XOAUTH2: an access token instead of a password."""

from collections.abc import Callable

from postroad.base.errors import AuthenticationFailed, NotPermitted
from postroad.sessions.sasl.exchange import Ask, Circumstances, Client, Mechanism, Outcome
from postroad.wire.sasl.oauth import (
    BearerRequest,
    encode_failure,
    parse_oauthbearer,
    parse_xoauth2,
)


def _bearer(client: Client) -> Ask:
    return _begin(client, parse_oauthbearer, "invalid_token", "")


def _xoauth2(client: Client) -> Ask:
    return _begin(client, parse_xoauth2, "401", "bearer")


def _begin(
    client: Client, parse: Callable[[bytes], BearerRequest], status: str, schemes: str
) -> Ask:
    async def then(message: bytes) -> Outcome:
        request = parse(message)
        try:
            if request.token is None:  # it asks what is needed, RFC 7628 section 4.3
                raise AuthenticationFailed("a token is needed")
            return await client.authenticator.bearer(
                request.token, request.name, protocol=client.protocol, peer=client.peer
            )
        except NotPermitted as error:
            return _failure(client.circumstances, status, schemes, error)

    return Ask(b"", then)


def _failure(offer: Circumstances, status: str, schemes: str, error: NotPermitted) -> Ask:
    """Tell what is wrong as a challenge; whatever the client says to it, that was it.

    RFC 7628 section 3.2.3: it says %x01; a client of XOAUTH2 says nothing.
    """
    hint = offer.oauth
    scope, configuration = (hint.scope, hint.configuration) if hint else ("", "")

    async def then(_: bytes) -> Outcome:
        raise error

    return Ask(encode_failure(status, scope, configuration, schemes), then)


def _is_offered(offer: Circumstances) -> bool:
    return offer.oauth is not None


OAUTHBEARER = Mechanism("OAUTHBEARER", _is_offered, _bearer)
XOAUTH2 = Mechanism("XOAUTH2", _is_offered, _xoauth2)
