"""What only several connections can do to each other, and a server that goes away."""

import asyncio

import asyncpg
import pytest

from postroad.adapters.sql.migrations import migrations
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.base.errors import AlreadyExists, Invalid, OverQuota, TryLater
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.model.events import EventKind
from postroad.model.ids import TraceId, Uid
from postroad.model.mailbox import Delivered, FlagAction, FlagChange, Flags
from postroad.model.queue import QueueFilter, RecipientState, Settlement
from stores.making import FUTURE, NOW, Stores, arrival, delivery, email, event, submission
from support.postgres import Server

ONE = Sql("SELECT 1")


def ask() -> Steps[int]:
    return len((yield Run(ONE, {})))


async def test_the_same_delivery_at_once_is_stored_once(stores: Stores) -> None:
    account = await stores.account()
    once = delivery(account, email(delivery_id="d"))
    results = await asyncio.gather(*(stores.mail.deliver([once]) for _ in range(8)))
    delivered = [one for (one,) in results if isinstance(one, Delivered)]
    assert len(delivered) == 8
    assert {one.uid for one in delivered} == {1}
    assert [one.again for one in delivered].count(False) == 1
    assert (await stores.mailbox(account)).messages == 1


async def test_deliveries_in_opposite_orders_do_not_block(stores: Stores) -> None:
    alice, bob = await stores.account("alice"), await stores.account("bob")
    both = [alice, bob]
    await asyncio.gather(
        *(
            stores.mail.deliver([delivery(account, email()) for account in order])
            for order in (both, both[::-1]) * 8
        )
    )
    for account in both:
        assert (await stores.mailbox(account)).messages == 16
    assert await stores.references.check() == []


async def test_the_same_tenant_at_once_is_made_once(stores: Stores) -> None:
    made = await asyncio.gather(*(stores.directory.create_tenant("house", NOW) for _ in range(6)))
    assert len({one.tenant_id for one in made}) == 1


async def test_the_same_domain_at_once_is_made_once(stores: Stores) -> None:
    tenant = await stores.tenant()
    results = await asyncio.gather(
        *(
            stores.directory.create_domain(tenant, new_uuid(), "new.test", (), NOW)
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AlreadyExists) for one in results) == 3


async def test_quota_holds_under_concurrency(stores: Stores) -> None:
    account = await stores.account(quota=1000)
    inbox = (await stores.mailbox(account)).mailbox_id
    results = await asyncio.gather(
        *(stores.mail.append(account, inbox, [arrival()]) for _ in range(15)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, OverQuota) for one in results) == 5
    assert await stores.room(account) == (1000, 1000)
    assert await stores.references.check() == []


async def test_every_kind_of_change_at_once(stores: Stores) -> None:
    account = await stores.account()
    inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
    a, b = inbox.mailbox_id, sent.mailbox_id
    await stores.fill(account, a, 20)
    change = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset({"$x"}))

    async def work(n: int) -> None:
        uids = [Uid(uid) for uid in range(n, n + 6)]
        await stores.mail.store_flags(account, a, uids, change)
        await stores.mail.copy(account, uids, a, b)
        await stores.mail.move(account, uids[:2], a, b)
        await stores.mail.expunge(account, a, uids)
        await stores.fill(account, b, 1)

    await asyncio.gather(*(work(n) for n in range(1, 16, 3)))
    assert await stores.references.check() == []
    for mailbox in (a, b):
        state, placements = await stores.mail.placements(account, mailbox)
        assert state.messages == len(placements.uids)


async def test_workers_never_share_a_claim(stores: Stores) -> None:
    account = await stores.account()
    for n in range(20):
        await stores.queue.submit(account, [submission(f"a@d{n % 4}.test")], [])
    taken: list[str] = []

    async def worker() -> None:
        for _ in range(12):
            claims, _ = await stores.queue.claim_due(NOW, Moment(NOW + 10**9), 2, [], 100)
            for claim in claims:
                taken.append(claim.submission.submission_id)

    await asyncio.gather(*(worker() for _ in range(4)))
    assert len(taken) == len(set(taken))
    # Rows that one worker looks at are passed over by the others, who may end with nothing.
    await worker()
    assert len(taken) == len(set(taken)) == 20


async def test_canceling_beside_settling_leaves_nothing_unsettled(stores: Stores) -> None:
    account = await stores.account()
    for _ in range(10):
        new = submission("a@one.test", "b@two.test")
        await stores.queue.submit(account, [new], [])
        await stores.queue.claim_due(NOW, Moment(NOW + 10**9), 1, ["two.test"], 1)
        entry = await stores.queue.find_submission(account, new.submission_id)
        assert entry is not None
        assert [one.state.value for one in entry[1]] == ["sending", "queued"]
    busy = ["two.test"] * 10
    claims, _ = await stores.queue.claim_due(Moment(NOW + 10**9), FUTURE, 100, busy, 10)
    told = event(TraceId(""), EventKind.CANCELED)
    await asyncio.gather(
        *(
            stores.queue.settle(claim, [Settlement(0, RecipientState.DELIVERED, "250")], [])
            for claim in claims
        ),
        stores.queue.cancel(QueueFilter(domain="two.test"), told),
    )
    assert await stores.references.purge_settled(FUTURE, 100) == 10


async def test_migrating_again_changes_nothing(engine: PostgresEngine) -> None:
    assert await engine.migrate() == []


async def test_two_migrate_at_once(postgres_server: Server) -> None:
    await postgres_server.run("CREATE DATABASE empty")
    engines = [await PostgresEngine.connect(postgres_server.url("empty")) for _ in range(2)]
    done = await asyncio.gather(*(engine.migrate() for engine in engines))
    assert sorted(len(one) for one in done) == [0, len(migrations())]
    for engine in engines:
        await engine.close()
    await postgres_server.run("DROP DATABASE empty")


async def test_a_newer_database_is_refused(engine: PostgresEngine, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("INSERT INTO migration VALUES (9999, 'future', 'x')")
    await connection.close()
    with pytest.raises(Invalid, match="newer"):
        await engine.migrate()


async def test_no_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    with pytest.raises(TryLater):
        await PostgresEngine.connect(f"postgresql://x@/x?host={nowhere}")


async def test_no_such_database(postgres_server: Server) -> None:
    with pytest.raises(Invalid):
        await PostgresEngine.connect(postgres_server.url("missing"))


async def test_a_connection_that_is_cut_is_made_again(
    engine: PostgresEngine, postgres_server: Server, postgres_url: str
) -> None:
    name = postgres_url.rpartition("/")[2].partition("?")[0]
    assert await engine.read(ask) == 1
    await postgres_server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    for _ in range(20):
        try:
            assert await engine.write(ask) == 1
            return
        except TryLater:
            continue
    raise AssertionError("it does not recover")
