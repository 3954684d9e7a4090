"""From the text of a setting to its value: durations, sizes, names, lists.

Each reader raises `ValueError` with what is wrong, in words that can follow the setting's path.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from pathlib import Path

from postroad.config.fields import Leaf
from postroad.config.problems import suggestion
from postroad.config.settings import Workers

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)", re.ASCII)
_LONGEST = timedelta(days=3650)
_UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_BY_LOWER_CASE = {unit.lower(): factor for unit, factor in _UNITS.items()} | {"kb": 10**3}
_SIZE = re.compile(r"(\d[\d_]{0,17})(?:\.(\d{1,3}))? ?([A-Za-z]{0,3})", re.ASCII)
_INTEGER = re.compile(r"-?\d[\d_]{0,17}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def read(leaf: Leaf, text: str) -> object:
    """The value of a setting that is written as one text. Raises `ValueError`."""
    kind = leaf.kind
    if kind == tuple[str, ...]:
        return read_list(text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _read_choice(kind, text)
    if kind is int and leaf.name.endswith("_octets"):
        return read_size(text)
    return _READERS[kind](text)


def read_list(text: str) -> tuple[str, ...]:
    """``a, b`` or ``["a", "b"]``; an empty text is an empty list."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return tuple(found)
    return tuple(one.strip() for one in text.split(",") if one.strip())


def write(value: object) -> str | int | float | bool | list[str] | None:
    """A value as JSON and YAML have it, in the form that `read` takes again."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def write_duration(value: timedelta) -> str:
    """In the largest unit that leaves no rest: ``90s``, ``4h``."""
    milliseconds = value // timedelta(milliseconds=1)
    if milliseconds == 0:
        return "0s"
    for unit in ("d", "h", "m", "s"):
        size = int(_SECONDS[unit] * 1000)
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def write_size(octets: int) -> str:
    """In the largest unit that leaves no rest: ``50MiB``."""
    for unit in ("TiB", "GiB", "MiB", "KiB", "GB", "MB", "kB"):
        if octets and octets % _UNITS[unit] == 0:
            return f"{octets // _UNITS[unit]}{unit}"
    return str(octets)


def _read_choice(kind: type[Enum], text: str) -> Enum:
    for choice in kind:
        if choice.value == text:
            return choice
    known = [str(choice.value) for choice in kind]
    raise ValueError(f'"{text}" is not one of {", ".join(known)}{suggestion(text, known)}')


def read_size(text: str) -> int:
    """Octets. `MiB` is 1024 times 1024 of them, `MB` a million."""
    match = _SIZE.fullmatch(text)
    factor = _BY_LOWER_CASE.get(match[3].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f'"{text}" is not a size such as 50MiB, 512MB or 1000000')
    return int(float(f"0.{match[2] or 0}") * factor) + int(match[1]) * factor


def read_duration(text: str) -> timedelta:
    """Such as ``90s`` or ``1h30m``."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration such as 90s, 5m, 4h or 7d')
    value = timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    if value > _LONGEST:
        raise ValueError(f'"{text}" is longer than {write_duration(_LONGEST)}')
    return value


def _read_integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f'"{text}" is not a whole number')
    return int(text)


def _read_workers(text: str) -> object:
    if text == "auto":
        return text
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f'"{text}" is neither a whole number nor auto')
    return int(text)


def _read_number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f'"{text}" is not a number')
    return float(text)


def _read_truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f'"{text}" is not true or false')
    return text.lower() == "true"


def _read_path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("a path is wanted here")
    return Path(text).expanduser() if text.startswith("~") else Path(text)


def _read_optional_path(text: str) -> Path | None:
    return _read_path(text) if text else None


_READERS: dict[object, Callable[[str], object]] = {
    str: str,
    int: _read_integer,
    Workers: _read_workers,
    float: _read_number,
    bool: _read_truth,
    timedelta: read_duration,
    Path: _read_path,
    Path | None: _read_optional_path,
}
