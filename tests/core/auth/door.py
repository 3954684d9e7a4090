"""An account and what proves it, over stores in memory."""

from dataclasses import dataclass, replace
from pathlib import Path

from core.house import House
from postroad.base.secret import Secret
from postroad.core.auth.passwords import Passwords
from postroad.core.auth.scram import ScramVerifiers
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.service import Authenticator
from postroad.core.auth.throttle import Throttle, ThrottleSettings
from postroad.core.directory.accounts import Accounts
from postroad.model.directory import Account, Credential
from postroad.model.principal import Principal
from postroad.ports.tokens import TokenVerifier


@dataclass(frozen=True)
class Door:
    """Alice's password is `correct horse`."""

    house: House
    sealer: Sealer
    scram: ScramVerifiers
    accounts: Accounts
    authenticator: Authenticator
    alice: Account

    @classmethod
    async def make(cls, folder: Path) -> "Door":
        house = House(folder)
        alice = await house.stores.person("alice")
        door = cls._over(house, alice, of_passwords=False)
        await door.accounts.set_password(alice.address, Secret("correct horse"))
        return door

    @classmethod
    def _over(
        cls,
        house: House,
        alice: Account,
        *,
        of_passwords: bool,
        tokens: TokenVerifier | None = None,
    ) -> "Door":
        sealer, passwords = Sealer(bytes(32)), Passwords(house.jobs, 1)
        scram = ScramVerifiers(sealer, house.jobs, of_passwords=of_passwords)
        return cls(
            house,
            sealer,
            scram,
            Accounts(house.directory, passwords, sealer, house.clock, scram),
            Authenticator(
                house.directory,
                passwords,
                sealer,
                Throttle(ThrottleSettings()),
                house.clock,
                scram,
                tokens=tokens,
            ),
            alice,
        )

    def with_passwords(self) -> "Door":
        """The same house where SCRAM is for account passwords too."""
        return self._over(self.house, self.alice, of_passwords=True)

    def with_tokens(self, tokens: TokenVerifier) -> "Door":
        """The same house where somebody knows about access tokens."""
        return self._over(self.house, self.alice, of_passwords=False, tokens=tokens)

    async def app_password(
        self, name: str, *scopes: str, is_old: bool = False
    ) -> tuple[Credential, str]:
        made, password = await self.accounts.create_app_password(
            self.alice.address, name, frozenset(scopes)
        )
        if is_old:  # from before there was SCRAM
            await self.house.directory.create_app_password(replace(made, scram=None))
        return made, password.reveal()

    async def plain(self, password: str) -> Principal:
        return await self.authenticator.authenticate(
            self.alice.address, Secret(password), protocol="imap", peer="192.0.2.1"
        )
