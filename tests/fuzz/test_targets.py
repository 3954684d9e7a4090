"""Every fuzz target can be run as `make fuzz` does, and holds for what has been hard before."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

TARGETS = sorted(Path(__file__).parent.glob("fuzz_*.py"))
SEEDS = [
    b"",
    b"\0",
    b"\r\n.\r\n",
    b"=?utf-8?q?=C3?=",
    b'"\\',
    b"{1}\r\n",
    b"(" * 3000,
    b"a:" * 3000,
    bytes(range(256)),
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n",
]
_RUN = """
import ast, runpy, sys
one_input = runpy.run_path(sys.argv[1])["one_input"]
for data in ast.literal_eval(sys.stdin.read()):
    one_input(data)
"""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.stem)
def test_a_target_runs_by_itself(target: Path) -> None:
    """In a process of its own, without what pytest puts on the path."""
    dice = random.Random(target.stem)  # noqa: S311  # not a secret: the same inputs each time
    inputs = SEEDS + [dice.randbytes(dice.randrange(1, 300)) for _ in range(100)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN, target],
        input=repr(inputs),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.stem)
def test_a_target_does_not_need_the_fuzzer_to_be_read(target: Path) -> None:
    before, main, behind = target.read_text().partition('if __name__ == "__main__":')
    assert main
    assert "import atheris" not in before
    assert "import atheris" in behind
