"""The files of the accounts: opened when they are wanted, few at a time, renewed when damaged."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from postroad.adapters.fts.database import Database, OutdatedError
from postroad.model.ids import AccountId

DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, OutdatedError)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """`database` belongs to the holder of `lock`, `users` to the holder of the shelf's lock."""

    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    database: Database | None = None
    users: int = 0


class Shelf:
    """Used by several threads; one of them at a time uses a file."""

    def __init__(self, folder: Path, max_open: int) -> None:
        self._folder = folder
        self._max_open = max_open
        self._lock = threading.Lock()
        self._slots: OrderedDict[AccountId, _Slot] = OrderedDict()  # the last used is the last
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def borrow(self, account: AccountId) -> Iterator[Database]:
        """An account's database. One that shows itself damaged is deleted, and the error told."""
        slot = self._take(account)
        try:
            with slot.lock:
                try:
                    if not slot.path.exists():
                        _discard(slot)  # an operator may delete the file while it is open
                    if slot.database is None:
                        slot.database = Database(slot.path)
                    yield slot.database
                except DAMAGED as error:
                    log.warning(
                        "search index is damaged and is made anew",
                        extra={"account": account, "error": str(error)},
                    )
                    _discard(slot)
                    raise
        finally:
            self._give_back(slot)

    def has(self, account: AccountId) -> bool:
        """Whether there is a file to be read, so that a question makes none."""
        return self._path(account).exists()

    def remove(self, account: AccountId) -> None:
        """Delete an account's file."""
        slot = self._take(account)
        try:
            with slot.lock:
                _discard(slot)
        finally:
            self._give_back(slot)

    def close(self) -> None:
        """Close all; no other thread may use the shelf any more."""
        while self._slots:
            _close(self._slots.popitem()[1])

    def _path(self, account: AccountId) -> Path:
        return self._folder / f"{account}.db"

    def _take(self, account: AccountId) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(account, _Slot(self._path(account)))
            self._slots.move_to_end(account)
            slot.users += 1
            return slot

    def _give_back(self, slot: _Slot) -> None:
        """Also closes what was used longest ago, if too many are open."""
        with self._lock:
            slot.users -= 1
            spare = len(self._slots) - self._max_open
            unused = [account for account, each in self._slots.items() if not each.users]
            # Closed under the lock: nobody may open the file again before.
            for account in unused[: max(spare, 0)]:
                _close(self._slots.pop(account))


def _close(slot: _Slot) -> None:
    if slot.database is not None:
        slot.database.close()
        slot.database = None


def _discard(slot: _Slot) -> None:
    _close(slot)
    for suffix in ("", "-wal", "-shm"):
        slot.path.with_name(slot.path.name + suffix).unlink(missing_ok=True)
