"""Promise 1: a message that was answered for survives the power cut (DESIGN.md section 1)."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.sqlite import engine as sqlite
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.base.errors import MailError
from postroad.model.ids import AccountId, BlobId, MailboxId, Uid
from postroad.model.mailbox import Column
from stores.making import Stores, arrival, email
from support.losing_disk import LosingDisk, keeping
from support.losing_vfs import losing_vfs

WRITERS = 8


@dataclass
class Ledger:
    account: AccountId
    mailbox: MailboxId
    answered: dict[Uid, BlobId] = field(default_factory=dict)
    asked: int = 0


def stores_on(engine: sqlite.SqliteEngine) -> Stores:
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


async def append_until_the_cut(stores: Stores, ledger: Ledger, disk: LosingDisk) -> None:
    while not disk.is_off:
        new = email(size=1000)
        ledger.asked += 1
        try:
            done = await stores.mail.append(ledger.account, ledger.mailbox, [arrival(new)])
        except MailError:
            assert disk.is_off
            return
        ledger.answered[done.uids[0]] = new.blob_id


async def run(path: Path, disk: LosingDisk, cut_after: int) -> Ledger:
    with losing_vfs(disk) as vfs:
        sqlite.migrate(path, vfs)
        engine = sqlite.SqliteEngine(path, vfs=vfs)
        stores = stores_on(engine)
        account = await stores.account()
        ledger = Ledger(account, (await stores.mailbox(account)).mailbox_id)
        disk.go_off_after(cut_after)
        await asyncio.gather(*(append_until_the_cut(stores, ledger, disk) for _ in range(WRITERS)))
        disk.let_go()
        await engine.close()
    return ledger


async def check(path: Path, ledger: Ledger) -> None:
    assert sqlite.migrate(path) == []
    engine = sqlite.SqliteEngine(path)
    stores = stores_on(engine)
    assert await engine.check() == []
    _, placements = await stores.mail.placements(ledger.account, ledger.mailbox)
    uids = [Uid(uid) for uid in placements.uids]
    assert set(uids) >= ledger.answered.keys()
    assert len(uids) <= ledger.asked
    rows = await stores.mail.rows(ledger.account, ledger.mailbox, uids, [Column.BLOB_ID])
    assert {(row[0], row[1]) for row in rows} >= ledger.answered.items()
    counts = await stores.mail.counts(ledger.account, ledger.mailbox)
    assert counts.unseen == len(uids)
    assert (await stores.room(ledger.account))[0] == 1000 * len(uids)
    later = await stores.fill(ledger.account, ledger.mailbox, 1)
    assert later[0] > max(uids, default=Uid(0))
    await engine.close()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("cut_after", [1, 2, 3, 5, 8, 13, 30, 77, 150, 400])
def test_every_answered_append_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_after: int, share: float
) -> None:
    monkeypatch.setattr(sqlite, "_CHECKPOINT_PAGES", 40)  # so that cuts fall into checkpoints too
    disk = LosingDisk()
    path = tmp_path / "disk" / "mail.db"
    path.parent.mkdir()
    ledger = asyncio.run(run(path, disk, cut_after))
    for seed in range(3):
        left = tmp_path / f"left-{seed}"
        disk.crash(path.parent, left, keeping(share, (cut_after, share, seed)))
        asyncio.run(check(left / "mail.db", ledger))
