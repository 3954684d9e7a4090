"""Group commit: many operations, one sync, and none harms another."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw
import pytest

from adapters.sql.sqlite.faulty_vfs import faulty_vfs
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.base.errors import InUse, LowSpace, OverQuota, TryLater
from postroad.model.mailbox import Delivered
from stores.making import INBOX, Stores, arrival, delivery, email

_SET = Sql("INSERT INTO setting (name, value) VALUES (:name, 'x')")
_NAMES = Sql("SELECT name FROM setting ORDER BY name")


def over(engine: SqliteEngine) -> Stores:
    return Stores(
        SqlMailStore(engine),
        SqlDirectoryStore(engine),
        SqlQueueStore(engine),
        SqlReferenceStore(engine),
        SqlSharingStore(engine),
        SqlLeaseStore(engine),
        SqlMetadataStore(engine),
        SqlUrlKeyStore(engine),
        SqlVirtualStore(engine),
        SqlNodeStore(engine),
    )


def put(name: str, error: Exception | None = None) -> Steps[str]:
    yield Run(_SET, {"name": name})
    if error is not None:
        raise error
    return name


def names() -> Steps[list[object]]:
    rows = yield Run(_NAMES, {})
    return [row[0] for row in rows]


@contextmanager
def held(engine: SqliteEngine, tasks: asyncio.TaskGroup) -> Iterator[None]:
    """The writer stands still in the block, so that what is asked meanwhile is one batch."""
    entered, release = threading.Event(), threading.Event()

    def wait() -> Steps[None]:
        entered.set()
        release.wait(10)
        yield Run(_NAMES, {})

    async def hold() -> None:
        await engine.write(wait)

    tasks.create_task(hold())
    try:
        yield
    finally:
        release.set()


async def test_what_fails_harms_no_other(engine: SqliteEngine) -> None:
    async with asyncio.TaskGroup() as tasks:
        with held(engine, tasks):
            await asyncio.sleep(0)
            done = asyncio.gather(
                engine.write(lambda: put("a")),
                engine.write(lambda: put("b", InUse("refused"))),
                engine.write(lambda: put("c", ValueError("a bug"))),
                engine.write(lambda: put("a")),
                engine.write(lambda: put("d")),
                return_exceptions=True,
            )
            await asyncio.sleep(0)
        results = await done
    assert (results[0], results[4]) == ("a", "d")
    assert isinstance(results[1], InUse)
    assert isinstance(results[2], ValueError)
    assert isinstance(results[3], apsw.ConstraintError), "a bug of ours stays one"
    assert await engine.read(names) == ["a", "d"]


async def test_a_refusal_that_changed_nothing_is_no_reason_to_run_others_again(
    engine: SqliteEngine,
) -> None:
    runs: list[str] = []

    def count(name: str, error: Exception | None = None, *, late: bool = False) -> Steps[None]:
        runs.append(name)
        is_change = error is None or late
        yield Run(_SET, {"name": name}) if is_change else Run(_NAMES, {})
        if error is not None:
            raise error

    async with asyncio.TaskGroup() as tasks:
        with held(engine, tasks):
            await asyncio.sleep(0)
            done = asyncio.gather(
                engine.write(lambda: count("a")),
                engine.write(lambda: count("b", InUse("refused"))),
                engine.write(lambda: count("c")),
                return_exceptions=True,
            )
            await asyncio.sleep(0)
        results = await done
    assert isinstance(results[1], InUse)
    assert runs == ["a", "b", "c"]
    assert await engine.read(names) == ["a", "c"]
    with pytest.raises(InUse):
        await engine.write(lambda: count("d", InUse("refused"), late=True))
    assert await engine.read(names) == ["a", "c"]


async def test_look_ups_of_one_batch_harm_no_other(engine: SqliteEngine) -> None:
    def fail() -> Steps[None]:
        yield Run(_NAMES, {})
        raise InUse("refused")

    await engine.write(lambda: put("a"))
    results = await asyncio.gather(
        *(engine.look_up(names if n % 2 else fail) for n in range(20)), return_exceptions=True
    )
    assert results[1::2] == [["a"]] * 10
    assert all(isinstance(result, InUse) for result in results[::2])
    await engine.write(lambda: put("b"))
    assert await engine.look_up(names) == ["a", "b"], "as new as what was committed before it"
    with pytest.raises(TryLater):
        await engine.look_up(lambda: put("c"))


async def test_a_batch_is_synced_once(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    with faulty_vfs() as faults:
        migrate(path, faults.name)
        engine = SqliteEngine(path, vfs=faults.name)
        stores = over(engine)
        account = await stores.account()
        async with asyncio.TaskGroup() as tasks:
            with held(engine, tasks):
                await asyncio.sleep(0)
                done = asyncio.gather(
                    *(stores.mail.deliver([delivery(account, email())]) for _ in range(50))
                )
                await asyncio.sleep(0)
                before = faults.syncs
            results = await done
        assert all(isinstance(one, Delivered) for (one,) in results)
        # The one that stood still wrote nothing: no sync. The fifty have one together.
        assert faults.syncs == before + 1
        await engine.close()


async def test_a_result_comes_after_the_commit(engine: SqliteEngine, path: Path) -> None:
    seen: list[int] = []

    def look(_: object) -> None:
        other = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        seen.extend(row[0] for row in other.execute("SELECT count(*) FROM setting"))
        other.close()

    for n in range(3):
        task = asyncio.ensure_future(engine.write(partial(put, f"name {n}")))
        task.add_done_callback(look)
        await task
    await asyncio.sleep(0)
    assert seen == [1, 2, 3]


async def test_no_answer_without_a_sync(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    with faulty_vfs() as faults:
        migrate(path, faults.name)
        engine = SqliteEngine(path, vfs=faults.name)
        faults.broken = True
        with pytest.raises(TryLater):
            await engine.write(lambda: put("a"))
        faults.broken = False
        assert await engine.write(lambda: put("b")) == "b"
        assert await engine.read(names) == ["b"]
        await engine.close()


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    with faulty_vfs() as faults:
        migrate(path, faults.name)
        engine = SqliteEngine(path, vfs=faults.name)
        stores = over(engine)
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        faults.full = True
        for _ in range(2):
            with pytest.raises(LowSpace):
                await stores.mail.append(account, inbox, [arrival()])
        assert (await stores.mailbox(account)).messages == 0
        faults.full = False
        assert await stores.fill(account, inbox, 1) == [1]
        assert await stores.references.check() == []
        await engine.close()


async def test_what_waits_at_the_end_is_done(path: Path) -> None:
    engine = SqliteEngine(path)
    done = asyncio.gather(*(engine.write(partial(put, f"{n:03}")) for n in range(100)))
    await asyncio.sleep(0)
    await engine.close()
    assert len(await done) == 100
    with pytest.raises(TryLater):
        await engine.write(lambda: put("late"))
    with pytest.raises(TryLater):
        await engine.read(names)
    await engine.close()


async def test_who_went_away_does_not_hurt(engine: SqliteEngine) -> None:
    async with asyncio.TaskGroup() as tasks:
        with held(engine, tasks):
            await asyncio.sleep(0)
            left = asyncio.ensure_future(engine.write(lambda: put("left")))
            await asyncio.sleep(0)
            left.cancel()
            stays = asyncio.ensure_future(engine.write(lambda: put("stays")))
            await asyncio.sleep(0)
        assert await stays == "stays"
    assert left.cancelled()


async def test_a_reader_cannot_write(engine: SqliteEngine) -> None:
    with pytest.raises(TryLater):
        await engine.read(lambda: put("a"))
    assert await engine.read(names) == []


async def test_two_engines_share_a_file(path: Path) -> None:
    """As two workers do: each UID is given once, and each sees what the other did."""
    engines = [SqliteEngine(path) for _ in range(2)]
    first, second = (over(engine) for engine in engines)
    account = await first.account(quota=5000)
    inbox = (await second.mailbox(account)).mailbox_id

    async def fill(stores: Stores) -> list[int]:
        given: list[int] = []
        for _ in range(30):
            try:
                given += await stores.fill(account, inbox, 1)
            except OverQuota:
                return given
        return given

    given = await asyncio.gather(fill(first), fill(second))
    assert sorted([*given[0], *given[1]]) == list(range(1, 51))
    assert await second.mail.find_mailbox(account, INBOX) == await first.mailbox(account)
    assert await first.references.check() == []
    for engine in engines:
        await engine.close()


async def test_another_process_writes_meanwhile(engine: SqliteEngine, path: Path) -> None:
    program = (
        "import sys, sqlite3\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)\n"
        "for n in range(50):\n"
        "    connection.execute('INSERT INTO setting VALUES (?, 0)', (f'theirs {n}',))\n"
    )
    process = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", program, str(path)])
    for n in range(50):
        await engine.write(partial(put, f"ours {n}"))
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert len(await engine.read(names)) == 100


async def test_what_guests_write_is_counted(path: Path) -> None:
    """The server asks for it each second; what it writes itself does not count."""
    server, guest = SqliteEngine(path), SqliteEngine(path, is_guest=True)
    directory = SqlDirectoryStore(guest)
    assert await server.changes_by_guests() == 0
    await directory.set_setting("x", "1")
    await directory.setting("x")
    assert await server.changes_by_guests() == 1
    await SqlDirectoryStore(server).set_setting("x", "2")
    assert await server.changes_by_guests() == 1
    await directory.set_setting("x", "3")
    assert await guest.changes_by_guests() == 2
    for engine in (server, guest):
        await engine.close()
