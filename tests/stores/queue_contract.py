"""What every `QueueStore` must do."""

import pytest

from postroad.base.errors import Conflict, NotFound
from postroad.base.identifiers import new_trace_id
from postroad.base.moments import Moment
from postroad.model.events import EventKind, NewEvent, Value
from postroad.model.ids import AccountId, SubmissionId, TraceId
from postroad.model.queue import (
    Claim,
    NewSubmission,
    QueueFilter,
    RecipientState,
    Settlement,
    Source,
    Submission,
)
from stores.making import NOW, Stores, event, submission

MINUTE = 60_000_000
ALL = QueueFilter()


def at(minutes: float) -> Moment:
    return Moment(NOW + int(minutes * MINUTE))


def finals(claim: Claim, state: RecipientState = RecipientState.DELIVERED) -> list[Settlement]:
    return [Settlement(one.number, state, "250 ok") for one in claim.recipients]


def again(claim: Claim, minutes: float, *, told: bool = False) -> list[Settlement]:
    return [
        Settlement(one.number, RecipientState.QUEUED, "451 later", at(minutes), told)
        for one in claim.recipients
    ]


async def claim_one(stores: Stores, minutes: float = 0, lease: float = 10) -> Claim:
    (claim,), _ = await stores.queue.claim_due(at(minutes), at(minutes + lease), 10, [], 100)
    return claim


async def submit(stores: Stores, account: AccountId, *new: NewSubmission) -> list[SubmissionId]:
    return list(await stores.queue.submit(account, new, []))


async def states(stores: Stores, account: AccountId, new: NewSubmission) -> list[str]:
    found = await stores.queue.find_submission(account, new.submission_id)
    assert found is not None
    return [one.state.value for one in found[1]]


async def last_event(stores: Stores, account: AccountId, new: NewSubmission) -> str:
    found = await stores.queue.find_submission(account, new.submission_id)
    assert found is not None
    return found[0].last_event


class SubmitContract:
    async def test_what_was_submitted_is_found(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("bob@remote.test", '"x y"@Remote.TEST', send_at=at(5))
        assert await submit(stores, account, new) == [new.submission_id]
        found = await stores.queue.find_submission(account, new.submission_id)
        assert found is not None
        assert found[0] == Submission(
            account,
            new.submission_id,
            new.trace_id,
            Source.API,
            new.reverse_path,
            new.blob_id,
            500,
            new.needs,
            NOW,
            at(5),
            new.api,
            "scheduled",
        )
        assert [
            (one.number, one.forward_path, one.state, one.attempts, one.next_attempt_at)
            for one in found[1]
        ] == [
            (0, "bob@remote.test", RecipientState.QUEUED, 0, at(5)),
            (1, '"x y"@Remote.TEST', RecipientState.QUEUED, 0, at(5)),
        ]
        assert await stores.queue.locate(new.submission_id) == account
        assert await stores.queue.find_trace(new.submission_id) == new.trace_id
        assert await stores.queue.locate(SubmissionId("none")) is None
        assert await stores.queue.find_trace("none") is None

    async def test_a_message_id_leads_to_its_newest_story(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")

        def told(trace: str, seconds: int, message_id: str, kind: EventKind) -> NewEvent:
            details: dict[str, Value] = {"octets": 1, "message_id": message_id}
            return NewEvent(TraceId(trace), kind, at(seconds), None, details)

        odd = '<100%_!"\u00e4\\@Example.test>'
        received, queued = EventKind.RECEIVED, EventKind.QUEUED
        await stores.queue.add_events(alice, [told("one", 1, odd, received)])
        await stores.queue.add_events(bob, [told("two", 2, odd, queued)])
        await stores.queue.add_events(bob, [told("three", 3, odd.lower(), received)])
        await stores.queue.add_events(bob, [told("four", 4, "<other@example.test>", received)])
        assert await stores.queue.find_trace(odd) == "two"
        assert await stores.queue.find_trace(odd.lower()) == "three"
        assert await stores.queue.find_trace("<other@example.test>") == "four"
        assert await stores.queue.find_trace("<%@example.test>") is None

    async def test_only_its_account_finds_it(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        new = submission()
        await submit(stores, alice, new)
        assert await stores.queue.find_submission(bob, new.submission_id) is None
        assert await stores.queue.submissions(bob, 10) == []
        with pytest.raises(NotFound):
            await submit(stores, AccountId(999), submission())

    async def test_all_or_none(self, stores: Stores) -> None:
        account = await stores.account()
        first, second = submission(key="k", request_hash=b"1"), submission()
        await stores.queue.submit(account, [first, second], [event(first.trace_id)])
        third = submission(key="k", request_hash=b"2")
        with pytest.raises(Conflict):
            await stores.queue.submit(account, [third], [event(third.trace_id)])
        assert await stores.queue.find_submission(account, third.submission_id) is None
        assert await stores.queue.events(account, third.trace_id) == []

    async def test_an_idempotency_key_submits_once(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        batch = [submission(key="k", request_hash=b"h"), submission()]
        ids = await submit(stores, alice, *batch)
        repeated = [submission(key="k", request_hash=b"h"), submission()]
        told = [event(repeated[0].trace_id)]
        assert list(await stores.queue.submit(alice, repeated, told)) == ids
        assert await stores.queue.events(alice, repeated[0].trace_id) == []
        assert len(await stores.queue.submissions(alice, 10)) == 2
        assert await submit(stores, bob, submission(key="k", request_hash=b"other"))

    async def test_lists_are_pages_newest_first(self, stores: Stores) -> None:
        account = await stores.account()
        made = [submission() for _ in range(7)]
        await submit(stores, account, *made)
        await submit(stores, account, submission(source=Source.SUBMISSION))
        ids = sorted((one.submission_id for one in made), reverse=True)

        async def page(limit: int, **ends: SubmissionId) -> list[SubmissionId]:
            found = await stores.queue.submissions(account, limit, **ends)
            return [one.submission_id for one in found]

        assert await page(100) == ids
        assert await page(3) == ids[:3]
        assert await page(3, after=ids[2]) == ids[3:6]
        assert await page(3, after=ids[5]) == ids[6:]
        assert await page(2, before=ids[4]) == ids[2:4]
        assert await page(9, before=ids[2]) == ids[:2]
        assert await page(9, after=ids[1], before=ids[5]) == ids[2:5]


class ScheduleContract:
    async def test_nothing_waits(self, stores: Stores) -> None:
        assert await stores.queue.next_due_at() is None
        assert (await stores.queue.claim_due(NOW, at(1), 10, [], 100))[0] == []
        assert await stores.queue.sizes() == {}

    async def test_recipients_are_claimed_by_destination(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("a@one.test", "b@two.test", "c@One.Test")
        await submit(stores, account, new)
        claims, _ = await stores.queue.claim_due(at(0), at(10), 10, [], 100)
        by_domain = {claim.destination: claim for claim in claims}
        assert sorted(by_domain) == ["one.test", "two.test"]
        one = by_domain["one.test"]
        assert [recipient.number for recipient in one.recipients] == [0, 2]
        assert [recipient.attempts for recipient in one.recipients] == [1, 1]
        assert one.submission.submission_id == new.submission_id
        assert one.tenant_id == (await stores.directory.load_account(account)).tenant_id
        assert (one.delay_notified, one.first_attempt_at) == (False, at(0))
        assert (await stores.queue.claim_due(at(1), at(10), 10, [], 100))[0] == []
        assert (await stores.queue.sizes())["sending"] == 3

    async def test_only_what_is_due_and_the_oldest_first(self, stores: Stores) -> None:
        account = await stores.account()
        made = [submission(send_at=at(minutes)) for minutes in (3, 1, 2, 9)]
        for new in made:
            await submit(stores, account, new)
        assert await stores.queue.next_due_at() == at(1)
        claims, due = await stores.queue.claim_due(at(5), at(15), 2, [], 100)
        assert [claim.submission.submission_id for claim in claims] == [
            made[1].submission_id,
            made[2].submission_id,
        ]
        assert due == await stores.queue.next_due_at() == at(3)

    async def test_busy_destinations_hold_up_no_others(self, stores: Stores) -> None:
        account = await stores.account()
        for minutes in range(30):
            await submit(stores, account, submission("a@busy.test", send_at=at(minutes / 100)))
        late = submission("b@free.test", send_at=at(1))
        await submit(stores, account, late)
        claims = (await stores.queue.claim_due(at(5), at(15), 1, ["busy.test", "other.test"], 1))[
            0
        ]
        assert [claim.submission.submission_id for claim in claims] == [late.submission_id]

    async def test_no_destination_gets_more_than_its_share(self, stores: Stores) -> None:
        account = await stores.account()
        for _ in range(5):
            await submit(stores, account, submission("a@one.test"))
        await submit(stores, account, submission("b@two.test"))
        claims, _ = await stores.queue.claim_due(at(0), at(10), 10, ["one.test"], 3)
        assert sorted(claim.destination for claim in claims) == [*["one.test"] * 2, "two.test"]
        claims, _ = await stores.queue.claim_due(at(0), at(10), 10, [], 100)
        assert [claim.destination for claim in claims] == ["one.test"] * 3

    async def test_a_claim_has_a_hundred_recipients_at_most(self, stores: Stores) -> None:
        account = await stores.account()
        await submit(stores, account, submission(*(f"user{n}@one.test" for n in range(230))))
        numbers: list[int] = []
        for expected in (100, 100, 30):
            (claim,), _ = await stores.queue.claim_due(at(0), at(10), 10, [], 100)
            assert len(claim.recipients) == expected
            numbers += [recipient.number for recipient in claim.recipients]
        assert sorted(numbers) == list(range(230))

    async def test_one_large_message_is_one_claim(self, stores: Stores) -> None:
        account = await stores.account()
        large = submission(*(f"user{n}@one.test" for n in range(50)))
        await submit(stores, account, large)
        claim = await claim_one(stores)
        assert len(claim.recipients) == 50

    async def test_settling_ends_it(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("a@one.test", "b@one.test")
        await submit(stores, account, new)
        claim = await claim_one(stores)
        told = [event(new.trace_id, EventKind.DELIVERED)]
        assert await stores.queue.settle(claim, finals(claim), told)
        assert await states(stores, account, new) == ["delivered", "delivered"]
        assert await last_event(stores, account, new) == "delivered"
        assert len(await stores.queue.events(account, new.trace_id)) == 1
        assert not await stores.queue.settle(claim, finals(claim), told), "it was settled before"
        assert len(await stores.queue.events(account, new.trace_id)) == 1
        assert await stores.queue.next_due_at() is None
        assert (await stores.queue.claim_due(at(100), at(110), 10, [], 100))[0] == []

    async def test_trying_again_later(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("a@one.test", "b@one.test")
        await submit(stores, account, new)
        claim = await claim_one(stores)
        later = again(claim, 30, told=True)
        later[1] = Settlement(1, RecipientState.BOUNCED, "550 no")
        assert await stores.queue.settle(claim, later, [])
        assert await states(stores, account, new) == ["queued", "bounced"]
        found = await stores.queue.find_submission(account, new.submission_id)
        assert found is not None
        assert found[1][0].next_attempt_at == at(30)
        assert [one.last_reply for one in found[1]] == ["451 later", "550 no"]
        assert (await stores.queue.claim_due(at(29), at(39), 10, [], 100))[0] == []
        second = await claim_one(stores, 31)
        assert (second.delay_notified, second.first_attempt_at) == (True, at(0))
        assert [(one.number, one.attempts) for one in second.recipients] == [(0, 2)]

    async def test_the_last_event_is_in_the_words_of_the_api(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("a@one.test", "b@two.test")
        await submit(stores, account, new)
        assert await last_event(stores, account, new) == "queued"
        one, two = sorted(
            (await stores.queue.claim_due(at(0), at(10), 10, [], 100))[0],
            key=lambda one: one.destination,
        )
        await stores.queue.settle(one, again(one, 1), [])
        assert await last_event(stores, account, new) == "delivery_delayed"
        one = await claim_one(stores, 2)
        await stores.queue.settle(one, finals(one), [])
        assert await last_event(stores, account, new) == "queued"
        await stores.queue.settle(two, finals(two, RecipientState.BOUNCED), [])
        assert await last_event(stores, account, new) == "bounced"

    async def test_a_lapsed_claim_is_due_again(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission()
        await submit(stores, account, new)
        lost = await claim_one(stores, 0, lease=10)
        assert await stores.queue.next_due_at() == at(10)
        assert (await stores.queue.claim_due(at(9), at(19), 10, [], 100))[0] == []
        taken = await claim_one(stores, 11)
        assert taken.lease_token != lost.lease_token
        assert taken.recipients[0].attempts == 2
        told = [event(new.trace_id, EventKind.DELIVERED)]
        notice = submission(source=Source.NOTIFICATION)
        assert not await stores.queue.renew(lost, at(30))
        assert not await stores.queue.settle(lost, finals(lost), told, notice)
        assert await stores.queue.events(account, new.trace_id) == []
        assert await stores.queue.find_submission(account, notice.submission_id) is None
        assert await stores.queue.settle(taken, finals(taken), [])

    async def test_a_claim_can_be_held_longer(self, stores: Stores) -> None:
        account = await stores.account()
        await submit(stores, account, submission())
        claim = await claim_one(stores, 0, lease=10)
        assert await stores.queue.renew(claim, at(20))
        assert (await stores.queue.claim_due(at(15), at(25), 10, [], 100))[0] == []
        assert await stores.queue.settle(claim, finals(claim), [])
        assert not await stores.queue.renew(claim, at(40))

    async def test_a_notice_is_queued_with_what_causes_it(self, stores: Stores) -> None:
        account = await stores.account()
        new, notice = submission(), submission("me@home.test", source=Source.NOTIFICATION)
        await submit(stores, account, new)
        claim = await claim_one(stores)
        bounced = finals(claim, RecipientState.BOUNCED)
        assert await stores.queue.settle(claim, bounced, [], notice)
        queued = await claim_one(stores)
        assert queued.submission.submission_id == notice.submission_id
        assert len(await stores.queue.submissions(account, 10)) == 1, "the API does not show it"


class OperateContract:
    async def test_waiting_shows_what_is_not_final(self, stores: Stores) -> None:
        account = await stores.account()
        first, second = submission("a@one.test"), submission("b@two.test", "c@one.test")
        await submit(stores, account, first, second)
        claim = next(
            claim
            for claim in (await stores.queue.claim_due(at(0), at(10), 10, [], 100))[0]
            if claim.submission.submission_id == first.submission_id
        )

        async def shown(which: QueueFilter, limit: int = 10) -> list[SubmissionId]:
            return [one[0].submission_id for one in await stores.queue.waiting(which, limit)]

        ids = sorted([first.submission_id, second.submission_id])
        assert await shown(ALL) == ids
        assert await shown(ALL, 1) == ids[:1]
        await stores.queue.settle(claim, finals(claim), [])
        assert await shown(ALL) == [second.submission_id]
        assert await shown(QueueFilter(domain="two.test")) == [second.submission_id]
        assert await shown(QueueFilter(domain="three.test")) == []
        assert await shown(QueueFilter(states=frozenset({RecipientState.SENDING}))) == [
            second.submission_id
        ]
        assert await shown(QueueFilter(states=frozenset({RecipientState.HELD}))) == []
        assert await shown(QueueFilter(submission_id=first.submission_id)) == []
        (entry,) = await stores.queue.waiting(ALL, 10)
        assert [one.forward_path for one in entry[1]] == ["b@two.test", "c@one.test"]

    async def test_retry_makes_it_due_now(self, stores: Stores) -> None:
        account = await stores.account()
        await submit(stores, account, submission(send_at=at(60)), submission("b@two.test"))
        claim = next(iter((await stores.queue.claim_due(at(0), at(10), 10, [], 100))[0]))
        assert await stores.queue.retry(ALL, at(1)) == 1, "what is being sent is left alone"
        assert (await claim_one(stores, 1)).destination == "remote.test"
        assert await stores.queue.settle(claim, finals(claim), [])

    async def test_holding_and_releasing(self, stores: Stores) -> None:
        account = await stores.account()
        new = submission("a@one.test", "b@two.test", "c@two.test")
        await submit(stores, account, new)
        told = event(TraceId("overridden"), EventKind.HELD, at(1))
        assert await stores.queue.hold(QueueFilter(domain="two.test"), told) == 2
        assert await states(stores, account, new) == ["queued", "held", "held"]
        assert await stores.queue.sizes() == {"queued": 1, "held": 2}
        (claim,), _ = await stores.queue.claim_due(at(5), at(15), 10, [], 100)
        assert claim.destination == "one.test"
        assert await stores.queue.retry(QueueFilter(domain="two.test"), at(5)) == 0
        released = event(TraceId(""), EventKind.RELEASED, at(6))
        assert await stores.queue.release(ALL, at(6), released) == 2
        assert (await claim_one(stores, 6)).destination == "two.test"
        story = [one.kind for one in await stores.queue.events(account, new.trace_id)]
        assert story == [EventKind.HELD, EventKind.RELEASED]

    async def test_what_is_released_waits_for_its_time(self, stores: Stores) -> None:
        account = await stores.account()
        await submit(stores, account, submission("a@one.test", send_at=at(60)))
        told = event(TraceId(""), EventKind.HELD, at(1))
        assert await stores.queue.hold(ALL, told) == 1
        assert await stores.queue.release(ALL, at(2), told) == 1
        assert await stores.queue.next_due_at() == at(60)
        assert await stores.queue.hold(ALL, told) == 1
        assert await stores.queue.release(ALL, at(70), told) == 1
        assert await stores.queue.next_due_at() == at(70)

    async def test_canceling_leaves_alone_what_is_being_sent(self, stores: Stores) -> None:
        account = await stores.account()
        sending = submission("a@one.test")
        await submit(stores, account, sending)
        claim = await claim_one(stores)
        waits, held = submission("b@two.test"), submission("c@three.test")
        await submit(stores, account, waits, held)
        told = event(TraceId(""), EventKind.CANCELED)
        await stores.queue.hold(QueueFilter(submission_id=held.submission_id), told)
        assert await stores.queue.cancel(ALL, told) == 2
        assert await states(stores, account, waits) == ["canceled"]
        assert await last_event(stores, account, held) == "canceled"
        assert await states(stores, account, sending) == ["sending"]
        assert await stores.queue.settle(claim, finals(claim), [])
        assert await stores.queue.cancel(ALL, told) == 0
        assert await stores.queue.sizes() == {}
        found = await stores.queue.events(account, waits.trace_id)
        assert [one.kind for one in found] == [EventKind.CANCELED]

    async def test_a_filter_wants_all_its_fields(self, stores: Stores) -> None:
        account = await stores.account()
        first, second = submission("a@one.test"), submission("a@one.test", "b@two.test")
        await submit(stores, account, first, second)
        which = QueueFilter(domain="one.test", submission_id=second.submission_id)
        told = event(TraceId(""), EventKind.HELD)
        assert await stores.queue.hold(which, told) == 1
        held = QueueFilter(states=frozenset({RecipientState.HELD}), domain="two.test")
        assert await stores.queue.cancel(held, told) == 0
        one_of = QueueFilter(states=frozenset({RecipientState.HELD, RecipientState.QUEUED}))
        assert await stores.queue.cancel(one_of, told) == 3


class EventsContract:
    async def test_a_story_is_told_in_order(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        trace = TraceId(new_trace_id())
        kinds = [EventKind.RECEIVED, EventKind.STORED, EventKind.QUEUED, EventKind.SIGNED]
        await stores.queue.add_events(alice, [event(trace, kind, at(1)) for kind in kinds])
        await stores.queue.add_events(bob, [event(trace, EventKind.ATTEMPTED, at(0))])
        await stores.queue.add_events(alice, [])
        assert [one.kind for one in await stores.queue.events(alice, trace)] == kinds
        assert [one.account_id for one in await stores.queue.events(bob, trace)] == [bob]
        told = await stores.queue.trace(trace)
        assert [one.kind for one in told] == [EventKind.ATTEMPTED, *kinds]
        assert (told[0].details, told[0].recipient, told[0].at) == ({"why": "test"}, None, at(0))
        assert await stores.queue.trace(TraceId("other")) == []
