"""The limit of open files is raised as far as the process may."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import resource, sys
from postroad.server.openfiles import allow_open_files
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_open_files(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def _after(soft: int, hard: int, wanted: int) -> list[str]:
    """In a process of its own, whose limits may be changed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(wanted)],
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().split()


def test_the_limit_is_raised_to_what_is_wanted() -> None:
    assert _after(256, 4096, 1000) == ["1000", "1000"]


def test_it_is_not_raised_beyond_what_is_allowed() -> None:
    assert _after(256, 512, 1000) == ["512", "512"]


def test_it_is_never_lowered() -> None:
    assert _after(2048, 4096, 1000) == ["2048", "2048"]
