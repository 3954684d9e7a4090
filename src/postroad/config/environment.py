"""Settings from the environment: `POSTROAD_DELIVERY__MODE=live` is `delivery.mode`."""

from collections.abc import Iterator, Mapping

from postroad.config.fields import leaves
from postroad.config.problems import Problem, suggestion

PREFIX = "POSTROAD_"
CONFIG = "POSTROAD_CONFIG"
DATA_DIR = "POSTROAD_DATA_DIR"
MASTER_KEY = "POSTROAD_MASTER_KEY"

_NO_SETTINGS = frozenset({CONFIG, MASTER_KEY})
# Interop: Kubernetes sets these for a Service that is called postroad.
_FOREIGN = ("POSTROAD_SERVICE_", "POSTROAD_PORT")


def variable_of(path: str) -> str:
    """The variable that sets a path."""
    return PREFIX + path.replace(".", "__").upper()


def read_environment(
    environ: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[str, str, str]]:
    """Path, text and variable of what is set; unknown variables go to `problems`."""
    paths = {variable_of(path): path for path in leaves()}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _NO_SETTINGS or name.startswith(_FOREIGN):
            continue
        if name in paths:
            yield paths[name], environ[name], name
        else:
            near = suggestion(name, paths)
            problems.append(Problem(name, f"there is no such setting{near}"))
