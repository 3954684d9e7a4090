"""A data folder made anew from a backup."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.queue.store import SqlReferenceStore
from postroad.adapters.sql.renumbering import Renumbered, renumber
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.system.clock import SystemClock
from postroad.app.database import is_postgres, sqlite_path
from postroad.app.program import make_folder
from postroad.app.refilling import Put, refilling, require_no_blobs
from postroad.app.rows import from_file, require_empty
from postroad.app.secrets import VARIABLE, load_sealer
from postroad.base.errors import Invalid
from postroad.base.moments import Moment
from postroad.config.settings import Settings
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.manifest import load, newest
from postroad.core.backup.pieces import DamagedPiece, Pieces
from postroad.core.backup.progress import Progress
from postroad.core.backup.reading import BackupReader
from postroad.model.ids import BlobId
from postroad.ports.archive import Archive
from postroad.server.tasks import ServerTasks

_PAGE = 5000
_ROWS = "rows.db"  # on their way to PostgreSQL
# What an operator puts there before a restore, and a file system's own.
_MAY_BE_THERE = frozenset({"postroad.yaml", "postroad.pkl", "lost+found"})


@dataclass(frozen=True, slots=True)
class Restored:
    accounts: int
    mailboxes: int
    messages: int
    """Messages as they are stored: one that lies in several mailboxes counts once."""
    held: int
    missing: int
    """Messages that are not in the backup, or in a damaged piece of it."""
    damaged: list[str]
    """What is wrong with the backup."""


async def restore_backup(
    settings: Settings,
    archive: Archive,
    backup_id: str | None,
    into: Path | None,
    progress: Progress,
) -> tuple[str, Restored]:
    """A backup, or else the newest, into a folder, or else that of the settings; which it was.

    The master key is that of the folder or, where another is named, that of the settings.
    Raises as `restore_folder`, and `NotFound`.
    """
    made = settings if into is None else replace(settings, data_dir=into)
    sealer = _load_sealer(made, settings)
    async with archive.reading(), ServerTasks() as tasks:
        manifest = await load(archive, sealer, backup_id or await newest(archive))
        reader = BackupReader(Pieces(archive, sealer, tasks), manifest)
        return manifest.backup_id, await restore_folder(
            reader, made, SystemClock().now(), progress
        )


def _load_sealer(made: Settings, settings: Settings) -> Sealer:
    try:
        return load_sealer(made)
    except Invalid as missing:
        try:
            return load_sealer(settings)
        except Invalid:
            path = made.below_data(made.master_key_file)
            raise Invalid(
                "a backup opens only with the master key that it was made with, and the key is "
                f"in no backup. Put your copy of it at {path}, or into {VARIABLE}. ({missing})"
            ) from missing


async def restore_folder(
    reader: BackupReader, settings: Settings, now: Moment, progress: Progress
) -> Restored:
    """Make everything in a data folder that holds nothing yet.

    The database takes its name last: a folder whose restore was broken off is never served.
    Messages in damaged pieces are left out. Raises `Invalid` for a folder that is in use,
    `DamagedPiece` (the database), `LowSpace`, `TryLater`.
    """
    in_postgres = is_postgres(settings.storage.metadata)
    database = settings.below_data(_ROWS) if in_postgres else sqlite_path(settings)
    _require_empty(settings, database)
    await require_no_blobs(settings)
    if in_postgres:
        await require_empty(settings)
    make_folder(settings)
    coming = database.with_name(f"{database.name}.restoring")
    await write_database(reader, coming, progress)
    async with open_copy(coming) as engine:
        wanted = await references(engine)
        async with refilling(settings) as put:
            written = await _write_blobs(reader, wanted, put, progress)
        await _write_files(reader, settings)
        numbers: Renumbered = await engine.write(lambda: renumber(now))
        accounts = len(await SqlDirectoryStore(engine).accounts())
    if in_postgres:

        async def tell(done: int, total: int) -> None:
            progress("rows", done, total)

        await from_file(coming, settings, tell)
    else:
        await asyncio.to_thread(_put_in_place, coming, database)
    missing = len(wanted) - written
    return Restored(accounts, numbers.mailboxes, written, numbers.held, missing, reader.damaged)


@asynccontextmanager
async def open_copy(path: Path) -> AsyncIterator[SqliteEngine]:
    """A database that came from a backup, brought up to date. Raises `Invalid`, `TryLater`."""
    await asyncio.to_thread(migrate, path)
    engine = SqliteEngine(path)
    try:
        yield engine
    finally:
        await engine.close()


async def references(engine: SqliteEngine) -> set[BlobId]:
    """All blobs that a database refers to."""
    store, found, after = SqlReferenceStore(engine), set[BlobId](), BlobId(b"")
    while page := await store.references(after, _PAGE):
        found.update(blob_id for _, blob_id in page)
        after = page[-1][1]
    return found


def _require_empty(settings: Settings, database: Path) -> None:
    key = settings.below_data(settings.master_key_file)
    folder = settings.data_dir
    found = [file for file in folder.iterdir()] if folder.is_dir() else []
    found = [file for file in found if file.name not in _MAY_BE_THERE and file != key]
    found += [file for file in [database] if file.exists()]
    if found:
        raise Invalid(
            f"{found[0]} is there already, and a backup is only restored where nothing is. "
            "Move everything but master.key away, or name another folder with --into."
        )


async def write_database(reader: BackupReader, path: Path, progress: Progress) -> None:
    """Into a new file. Raises `DamagedPiece`, `TryLater`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        async with aclosing(reader.database(progress)) as blocks:
            async for block in blocks:
                await asyncio.to_thread(file.write, block)
        file.flush()
        os.fsync(fd)


async def _write_blobs(
    reader: BackupReader, wanted: set[BlobId], put: Put, progress: Progress
) -> int:
    written = set[BlobId]()
    async with aclosing(reader.blobs(wanted, progress)) as packs:
        async for blobs in packs:
            fresh = [blob for blob in blobs if blob[0] not in written]
            if fresh:
                await put(fresh)
            written.update(blob_id for blob_id, _ in fresh)
    return len(written)


async def _write_files(reader: BackupReader, settings: Settings) -> None:
    """What the operator has put there stays."""
    for name, octets in (await reader.files()).items():
        path = settings.below_data(name)
        if not path.resolve().is_relative_to(settings.data_dir.resolve()):
            raise DamagedPiece(f"the backup names a file outside of the data folder: {name}")
        if path.exists():
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(fd)


def _put_in_place(coming: Path, database: Path) -> None:
    for tail in ("-wal", "-shm"):  # empty since the last connection was closed
        coming.with_name(coming.name + tail).unlink(missing_ok=True)
    coming.replace(database)
    folder = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
