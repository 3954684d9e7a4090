"""Settings from a YAML 1.2 file, each value with its line."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from postroad.config.fields import Leaf, below, leaves, sections
from postroad.config.problems import ConfigError, Problem, suggestion

_NULL = "tag:yaml.org,2002:null"
_MAX_OCTETS = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """The text, or texts, of a setting and where it stands; None is YAML's null."""

    path: str
    value: str | tuple[str, ...] | None
    place: str


class YamlFile:
    """Walks a file along the tree of settings; what does not belong there is in `problems`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[Problem] = []

    def read(self) -> list[Found]:
        """What the file sets. Raises `ConfigError` when it is not YAML at all."""
        root = _compose(self._path)
        if root is None or root.tag == _NULL:
            return []
        return list(self._section(root, ""))

    def _section(self, node: Node, prefix: str) -> Iterator[Found]:
        if node.tag == _NULL:
            return
        if not isinstance(node, MappingNode):
            what = f"{prefix}: names" if prefix else "names"
            self._problem(node, f"{what} with values are wanted here, such as `hostname: NAME`")
            return
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else "?"
            path = below(prefix, name)
            if name in seen:
                self._problem(key, f"{path}: is set twice, first in line {seen[name]}")
                continue
            seen[name] = _line(key)
            yield from self._entry(path, key, value)

    def _entry(self, path: str, key: Node, value: Node) -> Iterator[Found]:
        if path in sections():
            yield from self._section(value, path)
        elif path in leaves():
            yield from self._leaf(leaves()[path], value)
        else:
            near = suggestion(path, [*leaves(), *sections()])
            self._problem(key, f"{path}: there is no such setting{near}")

    def _leaf(self, leaf: Leaf, node: Node) -> Iterator[Found]:
        place = f"{self._path}:{_line(node)}"
        is_list = leaf.kind == tuple[str, ...]
        if isinstance(node, ScalarNode):
            yield Found(leaf.path, None if node.tag == _NULL else str(node.value), place)
        elif not is_list:
            self._problem(node, f"{leaf.path}: one value is wanted here")
        elif isinstance(node, SequenceNode) and all(
            isinstance(one, ScalarNode) for one in node.value
        ):
            yield Found(leaf.path, tuple(str(one.value) for one in node.value), place)
        else:
            text = 'a list of texts is wanted here; quote what has brackets: "[::]:25"'
            self._problem(node, f"{leaf.path}: {text}")

    def _problem(self, node: Node, what: str) -> None:
        self.problems.append(Problem(f"{self._path}:{_line(node)}", what))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _compose(path: Path) -> Node | None:
    try:
        octets = path.read_bytes()
        if len(octets) > _MAX_OCTETS:
            raise ConfigError([Problem(str(path), f"has over {_MAX_OCTETS} octets")])
        text = octets.decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise ConfigError([Problem(str(path), f"cannot be read: {reason}")]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(f"{path}:{line}", "is not UTF-8")]) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)  # a name for two things
            composed: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise ConfigError([Problem(place, f"is not YAML: {error.problem}")]) from error
    except ReusedAnchorWarning as error:
        raise ConfigError([Problem(str(path), "is not YAML: an anchor is set twice")]) from error
    except (YAMLError, RecursionError, ValueError) as error:
        what = str(error).partition("\n")[0] or "nested too deeply"
        raise ConfigError([Problem(str(path), f"is not YAML: {what}")]) from error
    return composed
