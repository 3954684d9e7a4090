"""The queue's promises: nothing is sent again after a recorded success, and nothing is lost."""

import time
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from core.house import MESSAGE, REFUSED, House
from postroad.base.moments import Moment, after
from postroad.core.queue.notice import Notices
from postroad.core.queue.settings import QueueSettings
from postroad.model.directory import Account, DomainStatus, Role
from postroad.model.ids import BlobId, Uid
from postroad.model.mailbox import BlobRange, Column
from postroad.ports.transport import Attempt, Outgoing, TemporaryFailure
from postroad.stores.directory import NewAccount
from stores.making import NOW


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_each_recipient_has_its_own_state(house: House) -> None:
    alice = await house.stores.person()
    house.elsewhere.answers = {"b@one.test": REFUSED, "c@one.test": TemporaryFailure("450 no")}
    sent = await house.send(alice, "a@one.test", "b@one.test", "c@one.test")
    assert await house.work() == 1
    assert await house.states(alice, sent) == ["delivered", "bounced", "queued"]
    house.elsewhere.answers = {}
    house.clock.wait(timedelta(minutes=2))
    await house.work()
    assert await house.states(alice, sent) == ["delivered", "bounced", "delivered"]
    assert house.elsewhere.taken == ["a@one.test", "c@one.test"]
    assert await house.inbox(alice) == 1, "one DSN"


async def test_a_success_is_recorded_though_there_is_no_room_for_a_notice(house: House) -> None:
    alice = await house.stores.person()
    house.elsewhere.answers = {"b@one.test": REFUSED}
    sent = await house.send(alice, "a@one.test", "b@one.test")
    house.blobs.is_full = True
    await house.work()
    assert await house.states(alice, sent) == ["delivered", "queued"]
    house.blobs.is_full = False
    house.clock.wait(timedelta(minutes=2))
    await house.work()
    await house.work()
    assert await house.states(alice, sent) == ["delivered", "bounced"]
    assert house.elsewhere.taken == ["a@one.test"]
    assert await house.inbox(alice) == 1


async def test_a_message_that_cannot_be_read_is_given_up_in_the_end(house: House) -> None:
    alice = await house.stores.person()
    sent = await house.send(alice, "bob@example.test")
    await house.stores.person("bob")
    found = await house.queue.find_submission(alice.account_id, sent)
    assert found is not None
    del house.blobs.blobs[found[0].blob_id]
    await house.work()
    (waiting,) = await house.recipients(alice, sent)
    assert (waiting.state.value, waiting.last_reply[:11]) == ("queued", "this server")
    assert waiting.next_attempt_at > house.clock.now()
    house.clock.wait(timedelta(days=6))
    await house.work()
    assert await house.states(alice, sent) == ["bounced"]
    await house.work()
    assert await house.inbox(alice) == 1


async def test_a_bug_is_waited_out_and_given_up_in_the_end(house: House) -> None:
    alice = await house.stores.person()
    house.elsewhere.has_bug = True
    sent = await house.send(alice, "a@one.test")
    assert await house.work() == 1
    (waiting,) = await house.recipients(alice, sent)
    assert (waiting.state.value, waiting.last_reply) == ("queued", "this server made a mistake")
    assert waiting.next_attempt_at > house.clock.now(), "not before the back-off"
    assert house.scheduler.in_flight == 0
    house.clock.wait(timedelta(days=6))
    await house.work()
    assert await house.states(alice, sent) == ["bounced"]
    await house.work()
    assert await house.inbox(alice) == 1, "the sender is told"
    assert [type(error) for error in house.jobs.errors] == [ZeroDivisionError] * 2


async def test_a_bug_in_notices_does_not_keep_mail_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    alice = await house.stores.person()
    house.elsewhere.answers = {"b@one.test": REFUSED}
    monkeypatch.setattr(Notices, "make", broken)
    sent = await house.send(alice, "b@one.test")
    await house.work()
    assert await house.states(alice, sent) == ["queued"], "later there may be a notice"
    house.clock.wait(timedelta(days=6))
    await house.work()
    assert await house.states(alice, sent) == ["bounced"]
    assert await house.work() == 0


async def test_no_destination_gets_more_than_its_share(house: House) -> None:
    alice = await house.stores.person()
    for _ in range(15):
        await house.send(alice, "a@one.test")
    await house.send(alice, "a@two.test")
    await house.scheduler.work()
    assert len(house.jobs.started) == 11
    due = await house.scheduler.work()
    assert due is not None
    assert due > house.clock.now(), "the queue does not turn while all there is must wait"
    assert await house.jobs.run() == 11
    assert await house.work() == 5


async def test_what_there_is_no_room_for_is_shared_now_and_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[object] = []
    monkeypatch.setattr(house.bus, "share_queue", lambda: shared.append(house.clock.now()))
    alice = await house.stores.person()
    for _ in range(15):
        await house.send(alice, "a@one.test")
    await house.scheduler.work()
    assert not shared, "there was room"
    for _ in range(3):
        await house.scheduler.work()
    assert shared == [NOW]
    house.clock.wait(timedelta(seconds=1))
    await house.scheduler.work()
    assert len(shared) == 2


async def test_the_queue_is_looked_at_again_only_where_there_may_be_something(
    house: House,
) -> None:
    alice = await house.stores.person()
    wake = house.bus.queue
    for answer, is_more in (
        (None, False),
        (TemporaryFailure("450 later", 450), True),
        (REFUSED, True),
    ):
        house.elsewhere.answers = {} if answer is None else {"a@one.test": answer}
        await house.send(alice, "a@one.test")
        wake.clear()
        assert await house.work() == 1
        assert wake.is_set() == is_more, answer
    for _ in range(11):
        await house.send(alice, "b@three.test")
    await house.scheduler.work()
    await house.scheduler.work()  # the eleventh waits for room
    wake.clear()
    assert await house.jobs.run() >= 10
    assert wake.is_set()
    house.scheduler.tells_every_end = True
    await house.send(alice, "a@four.test")
    await house.scheduler.work()
    wake.clear()
    await house.jobs.run()
    assert wake.is_set()


async def test_a_hundred_recipients_of_one_transaction(house: House) -> None:
    alice = await house.stores.person()
    sent = await house.send(alice, *(f"user{n}@one.test" for n in range(250)))
    assert await house.work() == 1
    assert await house.work() == 1
    assert (await house.states(alice, sent)).count("delivered") == 200
    assert await house.work() == 1
    assert len(set(house.elsewhere.taken)) == len(house.elsewhere.taken) == 250


async def test_the_sender_hears_of_a_delay_once(house: House) -> None:
    alice = await house.stores.person()
    house.elsewhere.answers = {"a@one.test": TemporaryFailure("450 later", 450)}
    await house.send(alice, "a@one.test")
    for _ in range(30):
        await house.work()
        house.clock.wait(timedelta(hours=2))
    await house.work()
    assert await house.inbox(alice) == 1


async def test_a_report_is_never_reported(house: House) -> None:
    alice = await house.stores.person()
    house.elsewhere.answers = {"a@one.test": REFUSED}
    await house.send(alice, "a@one.test")
    await house.directory.set_disabled(alice.account_id, disabled=True)
    for _ in range(3):
        await house.work()
    assert await house.queue.sizes() == {}


async def test_a_claimed_domain_gets_only_its_own_tenants_mail(house: House) -> None:
    """Security: see `Router.is_local`."""
    alice = await house.stores.person()
    await house.other_tenant("victim.test")
    sent = await house.send(alice, "someone@victim.test")
    await house.work()
    assert house.elsewhere.taken == ["someone@victim.test"]
    assert await house.states(alice, sent) == ["delivered"]


async def test_a_full_mailbox_costs_no_blob_at_each_attempt(house: House) -> None:
    alice, bob = await house.stores.person(), await house.stores.person("bob", quota=10)
    sent = await house.send(alice, bob.address)
    before = len(house.blobs.blobs)
    await house.work()
    assert await house.states(alice, sent) == ["queued"]
    assert len(house.blobs.blobs) == before


async def test_what_is_stored_is_the_message(house: House) -> None:
    alice, bob = await house.stores.person(), await house.stores.person("bob")
    await house.send(alice, bob.address)
    await house.work()
    assert await house.inbox(bob) == 1
    (stored,) = house.blobs.blobs
    octets = (await house.blobs.read([BlobRange(stored, 0, 10_000)]))[0]
    assert octets.startswith(b"Return-Path: <alice@example.test>\r\n")
    assert octets.count(b"Return-Path:") == 1


async def test_a_tenant_has_one_blob_of_what_it_sends_to_itself(house: House) -> None:
    alice, bob = await house.stores.person(), await house.stores.person("bob")
    await house.send(alice, alice.address, bob.address)
    await house.work()
    (shared,) = house.blobs.blobs
    for one in (alice, bob):
        assert await _blob_of_the_last(house, one) == shared


async def test_another_tenant_has_a_blob_of_its_own(house: House) -> None:
    alice = await house.stores.person()
    other = await house.other_tenant("other.test")
    domain = await house.directory.find_domain("other.test")
    assert domain is not None
    await house.directory.set_domain_status(other, domain.domain_id, DomainStatus.VERIFIED)
    new = NewAccount(other, "carol@other.test", "", Role.MEMBER, None, [("INBOX", None)])
    carol = await house.directory.create_account(new, NOW)
    await house.send(alice, carol.address)
    await house.work()
    sent, copied = house.blobs.blobs
    assert await _blob_of_the_last(house, carol) == copied
    assert house.blobs.blobs[sent] == house.blobs.blobs[copied]


async def test_a_blob_that_waited_for_long_is_copied(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may soon be too late for a first reference of another owner."""
    alice, bob = await house.stores.person(), await house.stores.person("bob")
    await house.send(alice, bob.address)
    real_now = Moment(time.time_ns() // 1000)
    monkeypatch.setattr(house.clock, "at", after(real_now, timedelta(hours=13)))
    await house.work()
    _, copied = house.blobs.blobs
    assert await _blob_of_the_last(house, bob) == copied


async def test_what_leaves_has_no_return_path(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bytes] = []

    async def send(destination: str, message: Outgoing) -> Attempt:
        left.append(b"".join([chunk async for chunk in message.chunks()]))
        return Attempt([REFUSED], "mx")

    monkeypatch.setattr(house.elsewhere, "send", send)
    alice = await house.stores.person()
    await house.send(alice, "a@one.test")
    await house.work()
    assert left == [MESSAGE]
    await house.work()
    report = house.blobs.blobs[await _blob_of_the_last(house, alice)]
    assert report.startswith(b"Return-Path: <>\r\n")
    assert report.count(b"Return-Path:") == 1, "nor has what the notice quotes"


async def _blob_of_the_last(house: House, account: Account) -> BlobId:
    inbox = await house.stores.mailbox(account.account_id)
    uids, wanted = [Uid(inbox.uid_next - 1)], [Column.BLOB_ID]
    rows = await house.stores.mail.rows(account.account_id, inbox.mailbox_id, uids, wanted)
    return cast("BlobId", rows[0][1])  # see Column


def test_delays_grow_to_their_limit_whatever_the_growth() -> None:
    settings = QueueSettings(growth=10.0, jitter=0)
    delays = [settings.next_attempt_at(NOW, attempts) for attempts in (1, 2, 3, 100)]
    assert [(delay - NOW) // 60_000_000 for delay in delays] == [1, 10, 100, 240]


async def test_what_is_captured_goes_to_the_sandbox_of_the_tenants_owner(tmp_path: Path) -> None:
    house = House(tmp_path, live=False)
    alice, bob = await house.stores.person(), await house.stores.person("bob")
    for _ in range(2):
        await house.send(bob, "a@one.test", "b@one.test")
        await house.work()
    sandbox = await house.stores.mailbox(alice.account_id, "Sandbox")
    assert (sandbox.messages, await house.inbox(alice)) == (2, 0)
    await house.directory.set_disabled(alice.account_id, disabled=True)
    house.clock.wait(timedelta(seconds=10))
    sent = await house.send(bob, "a@one.test")
    await house.work()
    assert await house.states(bob, sent) == ["delivered"]
    assert (await house.stores.mailbox(bob.account_id, "Sandbox")).messages == 1
    await house.directory.delete_account(alice.account_id)
