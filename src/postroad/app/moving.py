"""An installation moves to another database while it serves.

Rows are copied page by page while triggers note what changes, then what was changed is copied
again and again until little is left, and both sides are compared. At last nobody may write any
more, the rest is copied, and all is counted. A move that was broken off goes on where it was.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Row, octets
from postroad.adapters.sql.transfer import capture, copying
from postroad.adapters.sql.transfer.tables import Table, tables
from postroad.app.database import database_of
from postroad.app.movingblobs import MovingBlobs, moving_blobs, require_all
from postroad.app.program import make_folder
from postroad.app.rows import copy_rows
from postroad.app.secrets import load_sealer
from postroad.base.errors import Invalid
from postroad.config.checks import check
from postroad.config.describe import shown_value
from postroad.config.fields import leaves
from postroad.config.settings import Settings
from postroad.core.backup.progress import Progress
from postroad.model.ids import BlobId

_PAGE = 500
_FEW = 100  # changes that are left for the pause
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Moved:
    rows: int
    blobs: int
    """Octets of messages that were brought to another store."""
    accounts: int
    to: str
    """As `storage.metadata` names it, without a password."""


async def migrate_store(settings: Settings, to: str, blobs: str, progress: Progress) -> Moved:
    """Copy everything to the database `to`, and let nobody write to the old one from then on.

    The octets of messages go to the store `blobs`, or stay where they are if that is empty.

    Raises `Invalid` for a target that is in use, `TryLater`, `LowSpace`; then all is as it was.
    """
    _require(to, "storage.metadata")
    blobs = blobs or settings.storage.blobs
    _require(blobs, "storage.blobs")
    storage = replace(settings.storage, metadata=to, blobs=blobs)
    target_settings = replace(settings, storage=storage)
    make_folder(settings)
    load_sealer(settings)
    async with _opened(settings) as source:
        await _require_here(source)
        await database_of(target_settings).prepare()
        async with _opened(target_settings) as target:
            is_begun = await target.read(lambda: copying.is_begun(target.dialect))
            async with moving_blobs(settings, target_settings, is_begun=is_begun) as moving:
                move = _Move(source, target, moving, progress)
                await move.begin(is_begun=is_begun)
                await move.copy()
                await move.follow()
                faults = await move.compare()
                if faults:
                    raise Invalid(f"the copy differs: {', '.join(faults[:5])}. Nothing moved")
                shown = str(shown_value(target_settings, "storage.metadata"))
                counted = await move.finish(shown)
            if blobs != settings.storage.blobs:
                await move.end_or_stay(lambda: require_all(target_settings, target))
            await target.write(copying.end)
            return Moved(sum(counted.values()), moving.count, counted["account"], shown)


async def stay(settings: Settings) -> str | None:
    """Let the old database be written again, and note nothing any more; where it had gone."""
    async with _opened(settings, even_moved=True) as source:
        gone = await source.read(capture.moved_to)
        await source.write(lambda: capture.end(source.dialect))
        return gone


@asynccontextmanager
async def _opened(settings: Settings, *, even_moved: bool = False) -> AsyncIterator[Engine]:
    # Not as a guest: to count its writes is a write, which the fence refuses.
    engine = await database_of(settings).open(None, is_guest=False, even_moved=even_moved)
    try:
        yield engine
    finally:
        await engine.close()


async def _require_here(source: Engine) -> None:
    if await source.read(copying.is_empty):
        raise Invalid("there is nothing to move: no account is here. Set storage.metadata instead")


class _Move:
    def __init__(
        self, source: Engine, target: Engine, blobs: MovingBlobs, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._blobs = blobs
        self._progress = progress

    async def begin(self, *, is_begun: bool) -> None:
        """Raises `Invalid` for a target that somebody uses."""
        target = self._target
        if not is_begun:
            if not await target.read(copying.is_empty):
                raise Invalid("the database to move to has accounts already: name an empty one")
            await self._source.write(lambda: capture.end(self._source.dialect))
            await target.write(lambda: copying.begin(target.dialect))
        await self._source.write(lambda: capture.begin(self._source.dialect))

    async def copy(self) -> None:
        """Page by page, from where it was broken off."""

        async def tell(done: int, total: int) -> None:
            self._progress("rows", done, total)

        async def bring(table: Table, rows: Sequence[Row]) -> None:
            await self._blobs.bring(_blobs_of(table, rows))

        await copy_rows(self._source, self._target, tell, bring)

    async def follow(self) -> None:
        """Until hardly anything changes between two looks."""
        for _ in range(_ROUNDS):
            if await self._drain() <= _FEW:
                return

    async def compare(self) -> list[str]:
        """Rows that differ although nothing changed them; every row is looked at."""
        suspects: list[tuple[Table, str]] = []
        for table in tables():
            suspects += [(table, one) for one in await self._differing(table)]
        while await self._drain():
            pass
        faults = []
        for table, written in suspects:
            if await self._differs(table, written):
                faults.append(f"{table.name} {written}")
        if faults and await self._drain():
            return await self.compare()  # they changed just now
        return faults

    async def finish(self, shown: str) -> dict[str, int]:
        """From here on nobody writes to the old database. Raises `Invalid`."""
        source, target = self._source, self._target
        await source.write(lambda: capture.fence(source.dialect, shown))
        try:
            while await self._drain():
                pass
            here, there = await source.read(copying.counts), await target.read(copying.counts)
            # The source says where it went; the target is where it is.
            here["setting"] -= 1
            if here != there:
                different = [name for name in here if here[name] != there[name]]
                raise Invalid(f"the numbers of rows differ in {', '.join(different)}")
        except BaseException:
            await source.write(lambda: capture.unfence(source.dialect))
            raise
        return there

    async def end_or_stay(self, check_all: Callable[[], Awaitable[None]]) -> None:
        """Let the old database be written again if there is a fault at last."""
        try:
            await check_all()
        except BaseException:
            await self._source.write(lambda: capture.unfence(self._source.dialect))
            raise

    async def _drain(self) -> int:
        """Copy what changed until now; how many changes that were."""
        drained = 0
        by_name = {table.name: table for table in tables()}
        while found := await self._source.read(lambda: capture.pending(_PAGE)):
            keys: dict[str, dict[str, None]] = {}
            for _, name, written in found:
                if name in by_name and not _is_own(name, written):
                    keys.setdefault(name, {})[written] = None
            changes = []
            for table in tables():  # in their order
                wanted = [table.read(written) for written in keys.get(table.name, ())]
                rows = await self._source.read(lambda: copying.current(table, wanted))  # noqa: B023  # run at once
                await self._blobs.bring_new(_blobs_of(table, rows), self._target)
                changes.append((table, wanted, rows))
            await self._target.write(lambda: copying.renew(changes))  # noqa: B023  # run at once
            numbers = [number for number, _, _ in found]
            await self._source.write(lambda: capture.forget(numbers))  # noqa: B023  # run at once
            drained += len(found)
        return drained

    async def _differing(self, table: Table) -> list[str]:
        """Keys of rows that are not the same on both sides at this moment."""
        found: list[str] = []
        after = None
        while True:
            here = await self._source.read(lambda: copying.page(table, after, _PAGE))  # noqa: B023  # run at once
            there = await self._target.read(lambda: copying.page(table, after, _PAGE))  # noqa: B023  # run at once
            if _same(here) != _same(there):
                either = {table.written(table.key_of(row)) for row in (*here, *there)}
                found += [one for one in sorted(either) if await self._differs(table, one)]
            if not here:
                return found
            after = table.key_of(here[-1])

    async def _differs(self, table: Table, written: str) -> bool:
        if _is_own(table.name, written):
            return False
        key = table.read(written)
        here = await self._source.read(lambda: copying.current(table, [key]))
        there = await self._target.read(lambda: copying.current(table, [key]))
        return _same(here) != _same(there)


def _require(url: str, path: str) -> None:
    if (fault := check(leaves()[path], url)) is not None:
        raise Invalid(f"{path} {fault}")


def _blobs_of(table: Table, rows: Sequence[Row]) -> list[BlobId]:
    """Those that rows of references name."""
    if table.name != "blob_ref":
        return []
    return [BlobId(octets(table.key_of(row)["blob_id"])) for row in rows]


def _is_own(table: str, written: str) -> bool:
    """Whether a row is about the move itself."""
    return table == "setting" and written == f'["{capture.SETTING}"]'


def _same(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """PostgreSQL has no NUL in text, see its engine."""
    return [
        tuple(one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in row)
        for row in rows
    ]
