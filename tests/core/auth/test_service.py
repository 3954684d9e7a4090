"""API keys and the throttle: who is wrong waits, who is right does not."""

from pathlib import Path

import pytest

from core.house import House
from postroad.base.errors import AuthenticationFailed, TryLater
from postroad.base.secret import Secret
from postroad.core.auth.passwords import Passwords
from postroad.core.auth.scram import ScramVerifiers
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.service import Authenticator
from postroad.core.auth.throttle import Throttle, ThrottleSettings
from postroad.core.directory.keys import ApiKeys
from postroad.model.directory import KeyPermission

PEER = "127.0.0.1"


async def test_a_key_that_is_right_does_not_wait_for_those_that_are_wrong(tmp_path: Path) -> None:
    """All programs behind one proxy have one address."""
    house = House(tmp_path)
    sealer = Sealer(bytes(32))
    authenticator = Authenticator(
        house.directory,
        Passwords(house.jobs, 1),
        sealer,
        Throttle(ThrottleSettings()),
        house.clock,
        ScramVerifiers(sealer, house.jobs, of_passwords=False),
    )
    keys = ApiKeys(house.directory, sealer, house.clock)
    _, token = await keys.create(await house.stores.tenant(), "n", KeyPermission.SENDING, None)
    for n in range(30):
        with pytest.raises(AuthenticationFailed if n < 10 else TryLater):
            await authenticator.program(Secret(f"re_{n}"), peer=PEER)
    program = await authenticator.program(token, peer=PEER)
    assert not program.may_manage
