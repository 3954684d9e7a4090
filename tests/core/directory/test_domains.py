"""Who gets a domain that several tenants want."""

import re
from pathlib import Path

import pytest

from core.house import House
from postroad.base.errors import AlreadyExists, NotFound, TryLater
from postroad.core.auth.sealing import Sealer
from postroad.core.directory.domains import Domains
from postroad.model.directory import DomainStatus, Role
from postroad.model.ids import TenantId
from postroad.ports.resolver import MailExchanger, Resolver
from postroad.stores.directory import NewAccount
from stores.making import NOW

_RECORD = re.compile(r'TXT record (\S+) with "(\S+)"')


class Zone(Resolver):
    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, ...]] = {}
        self.is_away = False

    async def mx(self, domain: str) -> tuple[MailExchanger, ...]:
        raise NotFound(domain)

    async def addresses(self, host: str) -> tuple[str, ...]:
        raise NotFound(host)

    async def txt(self, name: str) -> tuple[str, ...]:
        if self.is_away:
            raise TryLater("nobody answers")
        if name not in self.texts:
            raise NotFound(name)
        return self.texts[name]


class Offices:
    """Two tenants that want the same domain."""

    def __init__(self, house: House, squatter: TenantId, owner: TenantId) -> None:
        self.house, self.squatter, self.owner = house, squatter, owner
        self.zone = Zone()
        self.domains = Domains(
            house.directory, self.zone, Sealer(bytes(32)), house.jobs, house.clock, "mx.test"
        )

    async def refused(self, tenant: TenantId) -> tuple[str, str]:
        """The record that the refusal asks for."""
        with pytest.raises(AlreadyExists) as caught:
            await self.domains.create(tenant, "Wanted.test")
        found = _RECORD.search(str(caught.value))
        return (found[1], found[2]) if found else ("", "")


@pytest.fixture
async def offices(tmp_path: Path) -> Offices:
    house = House(tmp_path)
    squatter = await house.directory.create_tenant("squatter", NOW)
    owner = await house.directory.create_tenant("owner", NOW)
    made = Offices(house, squatter.tenant_id, owner.tenant_id)
    await made.domains.create(made.squatter, "wanted.test")
    return made


async def test_who_proves_a_domain_gets_it_from_who_did_not(offices: Offices) -> None:
    name, value = await offices.refused(offices.owner)
    assert name == "_postroad-claim.wanted.test"
    offices.zone.texts[name] = ("v=spf1 -all",)
    assert await offices.refused(offices.owner) == (name, value), "the same each time"
    offices.zone.texts[name] = ("v=spf1 -all", value)
    made = await offices.domains.create(offices.owner, "wanted.test")
    assert (made.tenant_id, made.status) == (offices.owner, DomainStatus.NOT_STARTED)
    assert await offices.domains.domains(offices.squatter) == ()
    assert len(await offices.house.directory.dkim_keys("wanted.test")) == 2
    assert await offices.refused(offices.owner) == ("", ""), "it has it already"


async def test_a_proof_is_one_tenants_for_one_domain(offices: Offices) -> None:
    name, value = await offices.refused(offices.owner)
    third = (await offices.house.directory.create_tenant("third", NOW)).tenant_id
    offices.zone.texts[name] = (value,)
    assert (await offices.refused(third))[1] not in ("", value)
    await offices.domains.create(offices.squatter, "other.test")
    offices.zone.texts["_postroad-claim.other.test"] = (value,)
    with pytest.raises(AlreadyExists):
        await offices.domains.create(offices.owner, "other.test")


async def test_a_domain_that_was_verified_is_never_taken(offices: Offices) -> None:
    name, value = await offices.refused(offices.owner)
    offices.zone.texts[name] = (value,)
    (domain,) = await offices.domains.domains(offices.squatter)
    await offices.domains.trust(domain)
    assert (await offices.domains.verify(offices.squatter, domain.domain_id)).status is (
        DomainStatus.FAILED
    ), "its records are gone"
    assert await offices.refused(offices.owner) == ("", "")
    assert len(await offices.domains.domains(offices.squatter)) == 1


async def test_addresses_keep_a_claim_and_are_not_told(offices: Offices) -> None:
    name, value = await offices.refused(offices.owner)
    offices.zone.texts[name] = (value,)
    account = await offices.house.directory.create_account(
        NewAccount(offices.squatter, "secret@wanted.test", "", Role.MEMBER, None, ()), NOW
    )
    with pytest.raises(AlreadyExists) as caught:
        await offices.domains.create(offices.owner, "wanted.test")
    assert "secret" not in str(caught.value)
    await offices.house.directory.delete_account(account.account_id)
    await offices.domains.create(offices.owner, "wanted.test")


async def test_without_an_answer_nothing_is_decided(offices: Offices) -> None:
    offices.zone.is_away = True
    with pytest.raises(TryLater):
        await offices.domains.create(offices.owner, "wanted.test")
    assert len(await offices.domains.domains(offices.squatter)) == 1
