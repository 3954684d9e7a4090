"""Backups: the rows of the database and the blobs that they refer to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from postroad.adapters.archive.folder import FolderArchive
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.sqlite.snapshot import SqliteSnapshot, take_snapshot
from postroad.adapters.system.workfolder import work_folder
from postroad.app.database import sqlite_path
from postroad.app.program import Program
from postroad.app.rows import as_file
from postroad.app.secrets import load_sealer
from postroad.base.errors import Invalid
from postroad.config.settings import Settings
from postroad.core.backup.create import Creation, Hold
from postroad.core.backup.manifest import Manifest, ids, load
from postroad.core.backup.pieces import DamagedPiece, Pieces
from postroad.core.backup.progress import Progress
from postroad.core.backup.reading import encode_files
from postroad.ports.archive import Archive

_FILES = ("postroad.yaml", "postroad.pkl")
_FOLDERS = ("tls",)


def open_archive(target: str) -> Archive:
    """A folder, as a path or ``file:PATH``. Raises `Invalid`."""
    scheme, colon, rest = target.partition(":")
    if colon and scheme == "file":
        target = rest
    elif colon and scheme.isalnum() and len(scheme) > 1:
        raise Invalid(
            f"backups go to folders: {target} is none (write file:PATH for a strange name)"
        )
    if not target:
        raise Invalid("the name of the folder for backups is empty")
    return FolderArchive(Path(target))


async def list_backups(settings: Settings, archive: Archive) -> tuple[list[Manifest], list[str]]:
    """Oldest first, and what is wrong with the others.

    Raises `NotFound` (no archive), `Invalid` (another master key).
    """
    sealer = load_sealer(settings)
    found, faults = list[Manifest](), list[str]()
    async with archive.reading():
        for backup_id in await ids(archive):
            try:
                found.append(await load(archive, sealer, backup_id))
            except DamagedPiece as error:
                faults.append(str(error))
    return found, faults


async def create_backup(program: Program, archive: Archive, progress: Progress) -> Manifest:
    """Beside a server that may be running. Raises `InUse`, `TryLater`, `LowSpace`, `Invalid`."""
    _require_elsewhere(archive, program.settings)
    async with archive.alone(), _holding(program, archive) as hold:

        async def renew(done: int, total: int) -> None:
            progress("snapshot", done, total)
            await hold.renew()

        with work_folder(program.settings.data_dir, "backup-") as folder:
            snapshot = await _snapshot(program, folder, renew)
            pieces = Pieces(archive, program.sealer, program.tasks)
            creation = Creation(archive, pieces, program.sealer, program.blobs, hold, progress)
            return await creation.run(snapshot, encode_files(small_files(program.settings)))


async def _snapshot(
    program: Program, folder: Path, renew: Callable[[int, int], Awaitable[None]]
) -> SqliteSnapshot:
    """A file of SQLite's, whatever the database is."""
    if not isinstance(program.engine, PostgresEngine):
        database = sqlite_path(program.settings)
        return await take_snapshot(database, folder, program.clock.now, renew)
    taken_at = program.clock.now()
    copy = folder / "rows.db"
    await as_file(program.engine, copy, renew)
    return await take_snapshot(copy, folder, lambda: taken_at, renew)


def _require_elsewhere(archive: Archive, settings: Settings) -> None:
    if Path(archive.place).resolve().is_relative_to(settings.data_dir.resolve()):
        raise Invalid("a backup in the data folder is lost together with it: choose another place")


def small_files(settings: Settings) -> dict[str, bytes]:
    """What else is of value in the data folder; never the master key."""
    found = [settings.below_data(name) for name in _FILES]
    for name in _FOLDERS:
        found += settings.below_data(name).rglob("*")
    key = settings.below_data(settings.master_key_file)
    return {
        str(file.relative_to(settings.data_dir)): file.read_bytes()
        for file in sorted(found)
        if file.is_file() and file != key
    }


@asynccontextmanager
async def _holding(program: Program, archive: Archive) -> AsyncIterator[Hold]:
    hold = Hold(program.leases, program.clock, archive.place)
    await hold.renew()
    try:
        yield hold
    finally:
        await hold.give_back()
