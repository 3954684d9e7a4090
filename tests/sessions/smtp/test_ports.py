"""The services of the core have the shape that sessions ask for; the type checker reads this."""

from postroad.core.auth.service import Authenticator as CoreAuthenticator
from postroad.core.reception.service import Reception as CoreReception
from postroad.sessions.sasl.exchange import Authenticator
from postroad.sessions.smtp.ports import Reception


def reception(core: CoreReception) -> Reception:
    return core


def authenticator(core: CoreAuthenticator) -> Authenticator:
    return core


def test_the_core_has_the_methods() -> None:
    assert callable(CoreReception.open)
    assert callable(CoreAuthenticator.authenticate)
