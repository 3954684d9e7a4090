"""The mechanisms that we speak. Each is a value of its file, and a line here."""

from postroad.sessions.sasl import external, oauth, password, scram
from postroad.sessions.sasl.exchange import Circumstances, Mechanism

MECHANISMS: tuple[Mechanism, ...] = (  # the best first, as some clients take the first they know
    external.EXTERNAL,
    scram.SCRAM_SHA_256_PLUS,
    scram.SCRAM_SHA_1_PLUS,
    scram.SCRAM_SHA_256,
    scram.SCRAM_SHA_1,
    oauth.OAUTHBEARER,
    oauth.XOAUTH2,
    password.PLAIN,
    password.LOGIN,
)
_BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


def offered(circumstances: Circumstances) -> tuple[str, ...]:
    """The names to announce to a client in these circumstances."""
    return tuple(one.name for one in MECHANISMS if one.is_offered(circumstances))


def find(name: str, circumstances: Circumstances) -> Mechanism | None:
    """The mechanism of that name, in capitals, if it is offered."""
    found = _BY_NAME.get(name)
    return found if found is not None and found.is_offered(circumstances) else None
