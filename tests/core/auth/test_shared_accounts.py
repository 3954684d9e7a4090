"""Nobody logs in as a shared account, whatever proves it."""

from pathlib import Path

import pytest

from core.auth.door import Door
from postroad.base.errors import AuthenticationFailed, Invalid
from postroad.base.secret import Secret
from postroad.ports.tokens import TokenFacts, TokenVerifier

INFO = "info@example.test"


class OfInfo(TokenVerifier):
    async def verify(self, token: Secret) -> TokenFacts:
        return TokenFacts(name=INFO)


async def test_no_credential_opens_a_shared_account(tmp_path: Path) -> None:
    door = (await Door.make(tmp_path)).with_tokens(OfInfo())
    made = await door.accounts.create_shared(INFO)
    assert made.is_shared
    for refused in (
        door.accounts.set_password(INFO, Secret("correct horse")),
        door.accounts.create_app_password(INFO, "phone", frozenset()),
    ):
        with pytest.raises(Invalid, match="shared account"):
            await refused
    # Even where there is a password, by whatever mistake.
    theirs = await door.house.directory.credentials(door.alice.account_id)
    await door.house.directory.set_password(
        made.account_id, theirs[0].verifier, theirs[0].created_at, None
    )
    login = door.authenticator
    for attempt in (
        login.authenticate(INFO, Secret("correct horse"), protocol="imap", peer="a"),
        login.bearer(Secret("token"), INFO, protocol="imap", peer="b"),
        login.bearer(Secret("token"), "", protocol="imap", peer="c"),
        login.certified([INFO], "", protocol="imap", peer="d"),
        login.certified([INFO], INFO, protocol="imap", peer="e"),
    ):
        with pytest.raises(AuthenticationFailed):
            await attempt
