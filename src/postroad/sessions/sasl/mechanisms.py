"""The mechanisms that we speak. Each is a value of its file, and a line here."""

from postroad.sessions.sasl import password
from postroad.sessions.sasl.exchange import Mechanism

MECHANISMS: tuple[Mechanism, ...] = (password.PLAIN, password.LOGIN)
_BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


def offered() -> tuple[str, ...]:
    """The names to announce."""
    return tuple(_BY_NAME)


def find(name: str) -> Mechanism | None:
    """The mechanism of that name, in capitals."""
    return _BY_NAME.get(name)
