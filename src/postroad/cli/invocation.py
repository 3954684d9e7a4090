"""What every command can be told, and what it is given to work with."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from postroad.cli.output import Output

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.app.reloading import Source
    from postroad.config.settings import Settings

GLOBAL = Group("Global options", sort_key=9)
VALUE_OPTIONS = ("--config", "--data-dir")
"""The global options that are followed by a value."""


class WrongUsage(Exception):
    """The command line asks for something that does not exist or does not fit together."""


@Parameter(name="*", group=GLOBAL)
@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The global options."""

    config: Annotated[Path | None, Parameter(metavar="FILE")] = None
    """Settings file; otherwise `./postroad.yaml` or `postroad.yaml` in the data folder."""
    data_dir: Annotated[Path | None, Parameter(metavar="DIR")] = None
    """The data folder; goes before the file and the environment."""
    json: bool = False
    """Print JSON, for scripts."""

    @property
    def output(self) -> Output:
        return Output(as_json=self.json)

    def settings(self) -> "Settings":
        """Raises `ConfigError`."""
        from postroad.config.loader import load

        return load(self.config, os.environ, data_dir=self.data_dir)

    def source(self) -> "Source":
        """Where a running server gets changed settings."""
        from postroad.app.reloading import Source
        from postroad.config.loader import find_file

        file = find_file(self.config, os.environ, data_dir=self.data_dir)
        return Source(self.settings, file)

    @asynccontextmanager
    async def program(self) -> AsyncIterator["Program"]:
        """The services, beside a server that may be running. Raises `Invalid`, `ConfigError`."""
        from postroad.app.program import open_program

        async with open_program(self.settings()) as program:
            yield program


EVERYTHING_DEFAULT = Invocation()
