"""Fuzz the reading of a settings file: whatever it holds, settings or `ConfigError`."""

import contextlib
import sys
import tempfile
from pathlib import Path

from postroad.config.loader import load
from postroad.config.problems import ConfigError


def one_input(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(ConfigError):
            load(Path(file.name), {})


if __name__ == "__main__":
    import atheris

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
