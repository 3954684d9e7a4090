"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    OK = "ok"
    WARN = "warn"  # it works, but not as well as it could, or not for long
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    subject: str
    what: str
    fix: str = ""  # a command, or what to do, for all but OK
