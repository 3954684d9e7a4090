"""From defaults, file, environment and command line to `Settings`; later ones win."""

import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from postroad.config.checks import check, check_together
from postroad.config.environment import CONFIG, DATA_DIR, read_environment
from postroad.config.fields import Leaf, build, leaves
from postroad.config.problems import ConfigError, Problem
from postroad.config.settings import Settings
from postroad.config.values import read

FILE_NAME = "postroad.yaml"


def load(
    path: Path | None, environ: Mapping[str, str], *, data_dir: Path | None = None
) -> Settings:
    """The settings that hold. Without a path, the file is the one that `find_file` finds.

    Raises `ConfigError`, which tells of every fault at once.
    """
    gathered = _Gathered()
    file = find_file(path, environ, data_dir=data_dir)
    if file is not None:
        _read_file(file, gathered)
    for name, text, variable in read_environment(environ, gathered.problems):
        gathered.take(name, text, variable, where=variable)
    if data_dir is not None:
        gathered.take("data_dir", str(data_dir), "--data-dir", where="--data-dir")
    gathered.check_together()
    if gathered.problems:
        raise ConfigError(gathered.problems)
    return build(gathered.values)


def find_file(
    path: Path | None, environ: Mapping[str, str], *, data_dir: Path | None = None
) -> Path | None:
    """The file that is named, or that lies here or in the data folder; None: there is none."""
    if path is not None:
        return path
    if environ.get(CONFIG):
        return Path(environ[CONFIG])
    folder = data_dir or Path(environ.get(DATA_DIR) or Settings().data_dir)
    return next((file for file in (Path(FILE_NAME), folder / FILE_NAME) if file.is_file()), None)


def effective_hostname(settings: Settings) -> str:
    """Our name in the DNS: the one that is set, or the system's."""
    return settings.hostname.rstrip(".") or _system_name()


@cache
def _system_name() -> str:
    return socket.getfqdn()


class _Gathered:
    """Values by path, where each came from, and what was wrong on the way."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.problems: list[Problem] = []
        self._places: dict[str, str] = {}

    def take(
        self, path: str, raw: str | tuple[str, ...] | None, place: str, *, where: str | None = None
    ) -> None:
        """Keep a value. A variable is its own place; a line of a file is told with the path."""
        leaf = leaves()[path]
        told = "" if where else f"{path}: "
        self._places[path] = place
        try:
            value = _value(leaf, raw)
        except ValueError as error:
            self.problems.append(Problem(place, f"{told}{error}"))
            return
        wrong = check(leaf, value)
        if wrong is not None:
            self.problems.append(Problem(place, f"{told}{wrong}"))
            return
        self.values[path] = value

    def check_together(self) -> None:
        every = {path: self.values.get(path, leaf.default) for path, leaf in leaves().items()}
        for path, wrong in check_together(every):
            place = self._places.get(path, "defaults")
            self.problems.append(Problem(place, f"{path}: {wrong}"))


def _value(leaf: Leaf, raw: str | tuple[str, ...] | None) -> object:
    """Raises `ValueError`. A null is a value only where None is the default."""
    if isinstance(raw, str):
        return read(leaf, raw)
    if raw is None and leaf.default is not None:
        raise ValueError("has no value; leave the line out for the default")
    return raw


def _read_file(file: Path, gathered: _Gathered) -> None:
    from postroad.config.yamlfile import YamlFile  # only where there is a file: it is slow

    source = YamlFile(file)
    try:
        found = source.read()
    except ConfigError as error:
        gathered.problems.extend(error.problems)
        return
    for one in found:
        gathered.take(one.path, one.value, one.place)
    gathered.problems.extend(source.problems)
    gathered.problems.sort(key=_line)


def _line(problem: Problem) -> int:
    number = problem.place.rpartition(":")[2]
    return int(number) if number.isdigit() else 0
