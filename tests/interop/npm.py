"""Packages of npm that tests use, each in a folder of its own."""

import subprocess
from pathlib import Path

from interop.programs import missing, need

_CACHE = Path(__file__).parents[2] / ".cache" / "node"


def npm_package(name: str, version: str) -> Path:
    """The folder that the package is installed into, once. Skips the test where that fails."""
    need("npm", "npm")
    folder = _CACHE / f"{name}-{version}"
    if not (folder / "node_modules" / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            [*command, f"{name}@{version}"],
            cwd=folder,
            capture_output=True,
            timeout=240,
            check=False,
        )
        if done.returncode:
            reason = done.stderr[-300:]
            missing(f"npm cannot install {name}, which is NOT tested with: {reason!r}")
    return folder
