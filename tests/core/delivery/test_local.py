"""Mail from other servers into mailboxes: nobody gets it twice, nobody pays for another."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.house import MESSAGE, House, by_mx
from postroad.core.message.facts import MailParameters
from postroad.model.quota import QuotaLimits


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def _receive(house: House, *forward_paths: str) -> None:
    transaction = await house.reception.open(by_mx(), "eve@else.test", MailParameters())
    for forward_path in forward_paths:
        await transaction.add_recipient(forward_path)
    await transaction.write(MESSAGE)
    await transaction.finish()
    transaction.abort()


async def test_one_full_mailbox_of_an_alias_costs_the_others_nothing(house: House) -> None:
    alice, bob = await house.stores.person(quota=10), await house.stores.person("bob")
    await house.alias("all", alice.address, bob.address)
    await _receive(house, "all@example.test")
    assert (await house.inbox(alice), await house.inbox(bob)) == (0, 1)
    await house.work()
    await house.directory.set_account_quota(alice.account_id, QuotaLimits(None))
    house.clock.wait(timedelta(minutes=2))
    await house.work()
    assert (await house.inbox(alice), await house.inbox(bob)) == (1, 1)


async def test_an_account_that_is_removed_meanwhile(house: House) -> None:
    """After DATA it is too late to refuse: the sender hears of it by a DSN."""
    alice, bob = await house.stores.person(), await house.stores.person("bob")
    transaction = await house.reception.open(by_mx(), "eve@else.test", MailParameters())
    for account in (alice, bob):
        await transaction.add_recipient(account.address)
    await transaction.write(MESSAGE)
    await house.directory.delete_account(alice.account_id)
    await transaction.finish()
    transaction.abort()
    assert await house.inbox(bob) == 1
    for _ in range(2):
        await house.work()
    assert house.elsewhere.taken == ["eve@else.test"]


async def test_an_account_named_twice_gets_it_once(house: House) -> None:
    alice = await house.stores.person()
    await house.alias("all", alice.address)
    await _receive(house, alice.address, "all@example.test", "alice+x@example.test")
    assert await house.inbox(alice) == 1


async def test_forwards_leave_with_the_reverse_path_of_their_author(house: House) -> None:
    alice = await house.stores.person()
    await house.alias("all", alice.address, "carol@else.test")
    await _receive(house, "all@example.test")
    assert await house.inbox(alice) == 1
    assert await house.work() == 1
    assert house.elsewhere.taken == ["carol@else.test"]
