"""The program with its upkeep in a hurry, to be killed in the middle of it: `hurried.py serve`.

What takes days takes seconds here, in the same proportions: a blob is an orphan later than it may
get its first reference. The step that runs is named in the file of `TEST_UPKEEP_STEP`.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from postroad.adapters.segments.settings import SegmentSettings
from postroad.adapters.segments.store import SegmentBlobStore
from postroad.adapters.sql import references
from postroad.adapters.sql.sqlite import engine
from postroad.app import blobs
from postroad.cli.main import main
from postroad.core.queue import local
from postroad.core.upkeep import service
from postroad.core.upkeep.service import Upkeep
from postroad.server.tasks import ServerTasks

RESERVED_SECONDS, ORPHAN_SECONDS = 3, 6
_SEGMENT_OCTETS = 32 * 1024
_CHECKPOINT_PAGES = 20
_PAUSE = timedelta(milliseconds=20)


def hurry(step_path: Path) -> None:
    references.RESERVED_MILLISECONDS = RESERVED_SECONDS * 1000
    service._ORPHAN_AGE = timedelta(seconds=ORPHAN_SECONDS)
    local._SHARED_FOR = timedelta(seconds=RESERVED_SECONDS / 2)
    engine._CHECKPOINT_PAGES = _CHECKPOINT_PAGES
    small = partial(SegmentSettings, segment_octets=_SEGMENT_OCTETS)
    blobs.SegmentSettings = small  # type: ignore[attr-defined, assignment]  # only called
    every = ServerTasks.every

    def often(
        self: ServerTasks, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]
    ) -> None:
        every(self, name, _PAUSE if name == "upkeep" else interval, job)

    ServerTasks.every = often  # type: ignore[method-assign]
    for owner, name in (
        (Upkeep, "purge"),
        (Upkeep, "collect"),
        (Upkeep, "sweep"),
        (SegmentBlobStore, "compact"),
    ):
        setattr(owner, name, _told(getattr(owner, name), name, step_path.write_text))


def _told(
    step: Callable[..., Awaitable[int]], name: str, tell: Callable[[str], int]
) -> Callable[..., Awaitable[int]]:
    async def telling(*arguments: object) -> int:
        tell(name)
        try:
            return await step(*arguments)
        finally:
            tell("")

    return telling


if __name__ == "__main__":
    hurry(Path(os.environ["TEST_UPKEEP_STEP"]))
    main()
