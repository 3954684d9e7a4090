"""The data folder, the disk and the clock."""

import os
import shutil
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

from postroad.cli.diagnosis.finding import Finding, Level
from postroad.config.settings import Settings
from postroad.config.values import write_size

_ROOMY = 4
_OLDEST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_AHEAD_SECONDS = 120
_MEBIBYTE = 2**20


def folder(settings: Settings) -> list[Finding]:
    """The data folder is ours alone, and so is the master key."""
    path = settings.data_dir
    if not path.is_dir():
        fix = "postroad init --domain DOMAIN --admin ADDRESS"
        return [Finding(Level.FAIL, "data folder", f"{path} is not there", fix)]
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        what = f"{path} cannot be written by this user"
        return [Finding(Level.FAIL, "data folder", what, f"chown -R $(id -u) {path}")]
    findings = [_private(path, "data folder", "0700")]
    key = settings.below_data(settings.master_key_file)
    if key.exists():
        findings.append(_private(key, "master key", "0600"))
    return findings


def disk(settings: Settings) -> list[Finding]:
    """There is room, and will be for a while."""
    if not settings.data_dir.is_dir():
        return []
    free = shutil.disk_usage(settings.data_dir).free
    limit = settings.limits.free_disk_octets
    told = f"{free // _MEBIBYTE}MiB free; below {write_size(limit)} no mail is taken in"
    if free >= _ROOMY * limit:
        return [Finding(Level.OK, "disk", told)]
    level = Level.FAIL if free < limit else Level.WARN
    return [Finding(level, "disk", told, "make room, or lower limits.free_disk_octets")]


def clock(settings: Settings) -> list[Finding]:
    """The clock is not behind what it has been already."""
    now = time.time()
    newest = max((_written_at(path) for path in _database_files(settings)), default=0.0)
    told = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if now < _OLDEST or now < newest - _AHEAD_SECONDS:
        what = f"it is {told}, which is in the past"
        return [Finding(Level.FAIL, "clock", what, "timedatectl set-ntp true")]
    return [Finding(Level.OK, "clock", told)]


def _private(path: Path, subject: str, mode: str) -> Finding:
    mask = stat.S_IMODE(path.stat().st_mode)
    if mask & 0o077:
        what = f"{path} can be used by others: its mode is {mask:04o}"
        return Finding(Level.WARN, subject, what, f"chmod {mode} {path}")
    return Finding(Level.OK, subject, f"{path} is ours alone")


def _database_files(settings: Settings) -> list[Path]:
    scheme, _, path = settings.storage.metadata.partition(":")
    if scheme != "sqlite":
        return []
    database = settings.below_data(path)
    return [database, database.with_name(f"{database.name}-wal")]


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
