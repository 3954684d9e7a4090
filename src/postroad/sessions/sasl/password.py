"""PLAIN (RFC 4616) and LOGIN, which was never standardised: the password itself is sent."""

from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import (
    Ask,
    Client,
    Mechanism,
    Outcome,
    check_acts_as_itself,
)
from postroad.wire.sasl.plain import PlainCredentials, parse_login, parse_plain


def _plain(client: Client) -> Ask:
    async def then(message: bytes) -> Outcome:
        return await _prove(client, parse_plain(message))

    return Ask(b"", then)


def _login(client: Client) -> Ask:
    """Interop: programs send the name as an initial response, though the server begins."""

    async def name_came(name: bytes) -> Outcome:
        async def password_came(password: bytes) -> Outcome:
            return await _prove(client, parse_login(name, password))

        return Ask(b"Password:", password_came)

    return Ask(b"Username:", name_came)


async def _prove(client: Client, credentials: PlainCredentials) -> Principal:
    name = credentials.authentication_identity
    check_acts_as_itself(credentials.authorization_identity, name)
    return await client.authenticator.authenticate(
        name, credentials.password, protocol=client.protocol, peer=client.peer
    )


PLAIN = Mechanism("PLAIN", lambda _: True, _plain)
LOGIN = Mechanism("LOGIN", lambda _: True, _login)
