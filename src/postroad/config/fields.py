"""The tree of settings as a flat list of paths, each with its type and its default."""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

from postroad.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting. `owner` is the class that declares it, `name` its field there."""

    path: str
    name: str
    owner: type
    kind: object  # its annotation: a type, a union or a tuple of texts
    default: object


@cache
def leaves() -> MappingProxyType[str, Leaf]:
    """All settings by their path, in the order of the source."""
    return MappingProxyType({leaf.path: leaf for leaf in _walk(Settings, "")})


@cache
def sections() -> MappingProxyType[str, type]:
    """The settings that hold others, by their path; the root is ``""``."""
    found: dict[str, type] = {"": Settings}
    _sections(Settings, "", found)
    return MappingProxyType(found)


def below(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def value_of(settings: Settings, path: str) -> object:
    """The value at a path of `leaves`."""
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


def build(values: dict[str, object]) -> Settings:
    """The tree with these values, and the defaults where there is none."""
    made = _build(Settings, "", values)
    if not isinstance(made, Settings):  # for the type checker: it is what was asked for
        raise TypeError("the root of the settings has another type")
    return made


def _walk(owner: type, prefix: str) -> list[Leaf]:
    found: list[Leaf] = []
    for field, kind in _fields(owner):
        path = below(prefix, field.name)
        if isinstance(kind, type) and is_dataclass(kind):
            found.extend(_walk(kind, path))
        else:
            found.append(Leaf(path, field.name, owner, kind, _default(field)))
    return found


def _sections(owner: type, prefix: str, found: dict[str, type]) -> None:
    for field, kind in _fields(owner):
        if isinstance(kind, type) and is_dataclass(kind):
            path = below(prefix, field.name)
            found[path] = kind
            _sections(kind, path, found)


def _build(owner: Callable[..., object], prefix: str, values: dict[str, object]) -> object:
    given: dict[str, object] = {}
    for field, kind in _fields(owner):
        path = below(prefix, field.name)
        if isinstance(kind, type) and is_dataclass(kind):
            given[field.name] = _build(kind, path, values)
        elif path in values:
            given[field.name] = values[path]
    return owner(**given)


@cache
def _fields(owner: Any) -> tuple[tuple[Field[Any], object], ...]:  # Any: any dataclass
    hints = get_type_hints(owner)
    return tuple((field, hints[field.name]) for field in fields(owner))


def _default(field: Field[Any]) -> object:  # Any: a field of any type
    return field.default if field.default_factory is MISSING else field.default_factory()
