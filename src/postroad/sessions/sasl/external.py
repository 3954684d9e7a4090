"""EXTERNAL (RFC 4422 appendix A): the client's certificate has proven who it is."""

from postroad.sessions.sasl.exchange import Ask, Client, Mechanism, Outcome
from postroad.wire.sasl.external import parse_external


def _begin(client: Client) -> Ask:
    async def then(message: bytes) -> Outcome:
        return await client.authenticator.certified(
            client.circumstances.evidence.addresses,
            parse_external(message),
            protocol=client.protocol,
            peer=client.peer,
        )

    return Ask(b"", then)


EXTERNAL = Mechanism("EXTERNAL", lambda offer: bool(offer.evidence.addresses), _begin)
