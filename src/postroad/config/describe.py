"""What each setting is: for the reference in docs/, for `config show`, and for reloading."""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from postroad.config.environment import variable_of
from postroad.config.fields import Leaf, leaves, sections, value_of
from postroad.config.settings import Settings, Workers
from postroad.config.values import write, write_size

LIVE = (
    "tls.*",
    "limits.connections",
    "limits.connections_per_address",
    "log.level",
    "delivery.queue.*",
)
"""Patterns of the settings that a running server takes up."""


@dataclass(frozen=True, slots=True)
class Described:
    """A setting for people: `kind` and `default` are in the words of the file."""

    path: str
    kind: str
    default: str
    text: str
    variable: str
    is_live: bool


def described() -> tuple[Described, ...]:
    """Every setting, in the order of the source."""
    return tuple(
        Described(
            leaf.path,
            _kind(leaf),
            _default(leaf),
            _text(leaf),
            variable_of(leaf.path),
            _is_live(leaf.path),
        )
        for leaf in leaves().values()
    )


def section_text(path: str) -> str:
    """What a section is for: the first docstring of its class, unless that is made by Python."""
    owner = sections()[path]
    text = inspect.getdoc(owner) or ""
    return "" if text.startswith(f"{owner.__name__}(") else text


def shown(settings: Settings) -> dict[str, object]:
    """The tree as JSON values, without secrets."""
    tree: dict[str, object] = {}
    for path in leaves():
        *folders, name = path.split(".")
        branch = tree
        for folder in folders:
            inner = branch.setdefault(folder, {})
            assert isinstance(inner, dict)  # noqa: S101  # a setting is no section
            branch = inner
        branch[name] = shown_value(settings, path)
    return tree


def shown_value(settings: Settings, path: str) -> object:
    """One value as JSON has it; a secret, or a password in a URL, is `***`."""
    value = value_of(settings, path)
    if path in _HIDDEN and value:
        return _HIDDEN[path](str(value))
    return write(value)


def changed(old: Settings, new: Settings) -> list[str]:
    """The paths whose values differ."""
    return [path for path in leaves() if value_of(old, path) != value_of(new, path)]


def needs_restart(paths: list[str]) -> list[str]:
    """Those of the paths that a running server cannot take up."""
    return [path for path in paths if not _is_live(path)]


def _is_live(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in LIVE)


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    if password is None:
        return url
    front, _, host = url.rpartition("@")
    return f"{front[: len(front) - len(password)]}***@{host}"


def _without_passwords(url: str) -> str:
    return _PASSWORD.sub(r"\1***", _without_password(url))


_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_HIDDEN: dict[str, Callable[[str], str]] = {
    "delivery.relay": _without_password,
    "storage.metadata": _without_passwords,
    "bus": _without_passwords,
    "auth.oauth.client_secret": lambda _: "***",
    "storage.s3.secret_access_key": lambda _: "***",
}


def _kind(leaf: Leaf) -> str:
    if isinstance(leaf.kind, type) and issubclass(leaf.kind, Enum):
        return " or ".join(f"`{choice.value}`" for choice in leaf.kind)
    if leaf.kind is int and leaf.name.endswith("_octets"):
        return "size"
    return _KINDS[leaf.kind]


_KINDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    Workers: "whole number or `auto`",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    Path: "path",
    Path | None: "path",
    tuple[str, ...]: "list of texts",
}


def _default(leaf: Leaf) -> str:
    if isinstance(leaf.default, int) and leaf.name.endswith("_octets"):
        return write_size(leaf.default)
    value = write(leaf.default)
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _text(leaf: Leaf) -> str:
    """The docstring of the field, or that of its class where it has none."""
    text = _field_texts(leaf.owner).get(leaf.name)
    return text or (inspect.getdoc(leaf.owner) or "").partition("\n\n")[0]


@cache
def _field_texts(owner: type) -> dict[str, str]:
    """The strings that follow the fields of a class, from its source."""
    tree = ast.parse(inspect.getsource(sys.modules[owner.__module__]))
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__
    )
    texts: dict[str, str] = {}
    for field, after in pairwise(body):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = inspect.cleandoc(text)
    return texts
