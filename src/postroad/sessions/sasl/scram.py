"""SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677): the password itself is never sent."""

import hmac
import secrets
from collections.abc import Callable, Mapping

from postroad.base.errors import AuthenticationFailed
from postroad.core.auth.scram import Digest
from postroad.core.auth.service import ScramExchange
from postroad.formats.text.saslprep import saslprep
from postroad.sessions.sasl.exchange import (
    Ask,
    Client,
    Mechanism,
    Outcome,
    check_acts_as_itself,
)
from postroad.wire.errors import BadSyntax
from postroad.wire.sasl.scram import (
    ClientFirst,
    encode_server_final,
    encode_server_first,
    parse_client_final,
    parse_client_first,
)


def _new_nonce() -> str:
    return secrets.token_urlsafe(24)


def begin(
    client: Client,
    digest: Digest,
    new_nonce: Callable[[], str] = _new_nonce,
    *,
    plus: bool = False,
) -> Ask:
    """The client speaks first. Another nonce than a random one is for tests."""
    bindings = client.circumstances.evidence.bindings

    async def then(message: bytes) -> Outcome:
        first = parse_client_first(message)
        binding = _binding(first, bindings, plus=plus)
        name = saslprep(first.name, is_stored=False)
        check_acts_as_itself(saslprep(first.authorization_identity, is_stored=False), name)
        exchange = await client.authenticator.scram(
            name, digest, protocol=client.protocol, peer=client.peer
        )
        return _ask_for_proof(first, exchange, first.nonce + new_nonce(), binding)

    return Ask(b"", then)


def _ask_for_proof(first: ClientFirst, exchange: ScramExchange, nonce: str, binding: bytes) -> Ask:
    server_first = encode_server_first(nonce, exchange.salt, exchange.iterations)

    async def then(message: bytes) -> Outcome:
        final = parse_client_final(message)
        if final.nonce != nonce:
            raise BadSyntax("the nonce that was given", 0)
        if not hmac.compare_digest(final.binding_input, first.header + binding):
            raise AuthenticationFailed("the channel binding is wrong")
        auth_message = b",".join((first.bare, server_first, final.without_proof))
        principal, signature = exchange.prove(auth_message, final.proof)

        async def signature_read(empty: bytes) -> Outcome:
            if empty:
                raise BadSyntax("an empty response", 0)
            return principal

        return Ask(encode_server_final(signature), signature_read)

    return Ask(server_first, then)


def _binding(first: ClientFirst, bindings: Mapping[str, bytes], *, plus: bool) -> bytes:
    """What the client must have seen of the channel (RFC 5802 section 6).

    Security: a client that could bind and thinks that we cannot was lied to on its way, by who
    took the mechanisms with -PLUS out of the list.
    """
    if not plus:
        if first.binding is not None or (first.believes_in_none and bindings):
            raise AuthenticationFailed("channel binding needs a mechanism with -PLUS")
        return b""
    found = bindings.get(first.binding or "")
    if found is None:
        raise AuthenticationFailed("that channel binding is not possible here")
    return found


def _mechanism(name: str, digest: Digest) -> Mechanism:
    return Mechanism(name, lambda offer: offer.scram, lambda client: begin(client, digest))


def _mechanism_plus(name: str, digest: Digest) -> Mechanism:
    return Mechanism(
        name,
        lambda offer: offer.scram and bool(offer.evidence.bindings),
        lambda client: begin(client, digest, plus=True),
    )


SCRAM_SHA_1 = _mechanism("SCRAM-SHA-1", Digest.SHA1)
SCRAM_SHA_256 = _mechanism("SCRAM-SHA-256", Digest.SHA256)
SCRAM_SHA_1_PLUS = _mechanism_plus("SCRAM-SHA-1-PLUS", Digest.SHA1)
SCRAM_SHA_256_PLUS = _mechanism_plus("SCRAM-SHA-256-PLUS", Digest.SHA256)
