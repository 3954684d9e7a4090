"""A resolver for fetchers in tests."""

from postroad.ports.resolver import MailExchanger, Resolver


class Zone(Resolver):
    """Every name leads to one address."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def mx(self, domain: str) -> tuple[MailExchanger, ...]:
        return ()

    async def addresses(self, host: str) -> tuple[str, ...]:
        return (self.address,)

    async def txt(self, name: str) -> tuple[str, ...]:
        return ()
