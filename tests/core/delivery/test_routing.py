"""Which domains are ours, and for whom."""

from pathlib import Path

import pytest

from core.house import House
from postroad.base.errors import NotFound, OverQuota
from postroad.model.directory import DomainStatus
from postroad.model.quota import QuotaLimits


@pytest.mark.parametrize("live", [True, False])
async def test_a_domain_that_is_not_proven_is_its_own_tenants_only(
    tmp_path: Path, live: bool
) -> None:
    house = House(tmp_path, live=live)
    mine = await house.stores.tenant()
    other = await house.other_tenant("claimed.test")
    assert await house.router.is_local("claimed.test", other)
    assert await house.router.is_local("claimed.test", mine) is not live
    assert not await house.router.is_local("nobody.test", mine)
    (domain,) = await house.directory.domains(other)
    await house.directory.set_domain_status(other, domain.domain_id, DomainStatus.VERIFIED)
    assert await house.router.is_local("claimed.test", mine)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_an_alias_that_leads_to_nobody_is_refused(house: House) -> None:
    """A 250 would be a message lost."""
    await house.stores.person()
    await house.alias("gone", "nobody@example.test")
    await house.alias("a", "b@example.test")
    await house.alias("b", "a@example.test")
    for name in ("gone", "a", "b"):
        with pytest.raises(NotFound):
            await house.router.route(f"{name}@example.test")


async def test_one_member_of_an_alias_does_not_shut_out_the_others(house: House) -> None:
    alice, bob = await house.stores.person(quota=10), await house.stores.person("bob")
    await house.alias("all", alice.address, bob.address)
    route = await house.router.route("all@example.test", 100)
    assert list(route.accounts) == [alice.account_id, bob.account_id]
    await house.directory.set_disabled(bob.account_id, disabled=True)
    with pytest.raises(OverQuota):
        await house.router.route("all@example.test", 100)
    assert list((await house.router.route("all@example.test")).accounts) == [alice.account_id]
    await house.directory.set_disabled(alice.account_id, disabled=True)
    for name in ("all", "alice"):
        with pytest.raises(NotFound):
            await house.router.route(f"{name}@example.test")


async def test_a_mailbox_with_as_many_messages_as_it_may_have(house: House) -> None:
    alice = await house.stores.person()
    inbox = await house.stores.mailbox(alice.account_id)
    await house.directory.set_account_quota(alice.account_id, QuotaLimits(messages=1))
    assert (await house.router.route(alice.address, 1)).accounts
    await house.stores.fill(alice.account_id, inbox.mailbox_id, 1)
    with pytest.raises(OverQuota):
        await house.router.route(alice.address, 1)


async def test_a_mailbox_without_room(house: House) -> None:
    alice = await house.stores.person(quota=10)
    with pytest.raises(OverQuota):
        await house.router.route(alice.address, 11)
    assert await house.router.route(alice.address, 10)
