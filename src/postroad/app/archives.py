"""Backups that are looked at, tried, cleared, and asked for what one account has lost."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.system.clock import SystemClock
from postroad.adapters.system.workfolder import work_folder
from postroad.app.program import Program, open_program
from postroad.app.restoring import Restored, open_copy, restore_folder, write_database
from postroad.app.secrets import load_sealer
from postroad.base.errors import NotFound
from postroad.config.settings import Settings, StorageSettings
from postroad.core.backup.checking import Checked, Checking
from postroad.core.backup.manifest import ids, load, newest
from postroad.core.backup.pieces import Pieces
from postroad.core.backup.progress import Progress
from postroad.core.backup.pruning import Pruned, prune
from postroad.core.backup.reading import BackupReader
from postroad.core.backup.returning import Returned, Returning
from postroad.model.ids import MailboxName
from postroad.ports.archive import Archive
from postroad.server.tasks import ServerTasks

Choice = Callable[[Sequence[str]], list[str]]
"""Which of all backups, oldest first."""


@dataclass(frozen=True, slots=True)
class Verified:
    """`checked` is of all backups that were asked for; `tried` is the one that is restored."""

    checked: Checked
    backups: list[str]
    tried: str
    restored: Restored | None
    """None where the backup to be tried is damaged."""


@asynccontextmanager
async def verified(
    settings: Settings, archive: Archive, backup_id: str | None, progress: Progress
) -> AsyncIterator[tuple[Verified, Program | None]]:
    """All backups, or one, read whole, and the newest of them restored for as long as it lasts.

    The program is that over the restored folder. Raises `NotFound`, `Invalid` (another master
    key), `LowSpace`, `TryLater`.
    """
    sealer = load_sealer(settings)
    async with archive.reading(), ServerTasks() as tasks:
        tried = backup_id or await newest(archive)
        wanted = [tried] if backup_id else await ids(archive)
        pieces = Pieces(archive, sealer, tasks)
        checked = await Checking(archive, sealer, pieces, progress).run(wanted)
        if any(tried in backups for backups in checked.faults.values()):
            yield Verified(checked, wanted, tried, None), None
            return
        reader = BackupReader(pieces, await load(archive, sealer, tried))
        with work_folder(_room(settings), "verify-") as folder:
            made = _in_folder(settings, folder / "data")
            restored = await restore_folder(reader, made, SystemClock().now(), progress)
            async with open_program(made) as program:
                yield Verified(checked, wanted, tried, restored), program


async def prune_archive(settings: Settings, archive: Archive, choose: Choice) -> Pruned:
    """Raises `NotFound` (no archive), `InUse`, `DamagedPiece`, `Invalid`, `TryLater`."""
    sealer = load_sealer(settings)
    async with archive.reading():
        pass  # an archive is not made just to be cleared
    async with archive.alone(), ServerTasks() as tasks:
        pieces = Pieces(archive, sealer, tasks)
        return await prune(archive, sealer, pieces, choose(await ids(archive)))


async def restore_account(
    program: Program,
    archive: Archive,
    backup_id: str | None,
    address: str,
    mailbox: MailboxName | None,
    progress: Progress,
) -> tuple[str, Returned, list[str]]:
    """Messages of an account, or of one mailbox of it, from a backup or else the newest.

    Says which backup, what came back, and what of it is damaged.

    Raises `NotFound`, `OverQuota`, `DamagedPiece`, `Invalid`, `LowSpace`, `TryLater`.
    """
    account = await program.accounts.find(address)
    async with archive.reading():
        chosen = backup_id or await newest(archive)
        manifest = await load(archive, program.sealer, chosen)
        reader = BackupReader(Pieces(archive, program.sealer, program.tasks), manifest)
        with work_folder(program.settings.data_dir, "restore-") as folder:
            path = folder / "old.db"
            await write_database(reader, path, progress)
            async with open_copy(path) as engine:
                old = await SqlDirectoryStore(engine).find_account(account.address)
                if old is None:
                    raise NotFound(f"{account.address} is not in backup {chosen}")
                returning = Returning(
                    SqlMailStore(engine),
                    reader,
                    program.mail,
                    program.blobs,
                    program.bus,
                    program.tasks,
                    program.clock,
                )
                source, target = old.account_id, account.account_id
                made_at = manifest.moment
                done = await returning.run(source, target, mailbox, made_at, progress)
                return chosen, done, reader.damaged


def _room(settings: Settings) -> Path:
    """The data folder, whose disk is large enough; where there is none, the system's folder."""
    return settings.data_dir if settings.data_dir.is_dir() else Path(tempfile.gettempdir())


def _in_folder(settings: Settings, folder: Path) -> Settings:
    """The same settings for a folder that is complete in itself, but for the master key."""
    key = settings.below_data(settings.master_key_file).absolute()
    return replace(settings, data_dir=folder, storage=StorageSettings(), master_key_file=key)
