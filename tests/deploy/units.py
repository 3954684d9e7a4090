"""The systemd units of deploy/, and what their filters of system calls mean."""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICE = FOLDER / "postroad.service"
SOCKET = FOLDER / "postroad.socket"


def values(unit: Path, name: str) -> list[str]:
    """What an option is set to, in order; each of ours is in one section only."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.partition("=")[0] == name]


def value(unit: Path, name: str) -> str:
    (one,) = values(unit, name)
    return one


def addresses() -> list[str]:
    return values(SOCKET, "ListenStream")


def allowed_calls() -> list[str]:
    """The system calls that SystemCallFilter leaves, its groups resolved by systemd itself."""
    allowed: set[str] = set()
    for line in values(SERVICE, "SystemCallFilter"):
        named = {call for word in line.lstrip("~").split() for call in _calls(word)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return sorted(allowed)


def _calls(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    listed = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", word],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    words = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return {call for one in words if one and not one.startswith("#") for call in _calls(one)}
