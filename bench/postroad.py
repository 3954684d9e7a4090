"""The real server of this checkout, founded and started as an operator would."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.servers import DOMAIN, HOST, PASSWORD, USERS, Server, end_tree, free_ports, wait_for

_SERVICES = ("smtp", "submission", "submissions", "imap", "imaps", "http", "https")
_SOURCE = Path(__file__).parents[1] / "src"


def start(folder: Path, workers: int = 1) -> Server:
    """Found a server in an empty folder and start it. Raises `RuntimeError`."""
    folder.mkdir(parents=True)
    ports = dict(zip(_SERVICES, free_ports(len(_SERVICES)), strict=True))
    settings = {
        "data_dir": str(folder / "data"),
        "hostname": f"mx.{DOMAIN}",
        "auth": {"cleartext": "loopback"},  # as the peers are set
        "log": {"level": "warning"},
        "workers": workers,
        "listen": {name: [f"{HOST}:{port}"] for name, port in ports.items()},
    }
    config = folder / "postroad.yaml"
    config.write_text(json.dumps(settings))  # is YAML too
    made = _command(
        config, "init", "--domain", DOMAIN, "--admin", USERS[0], "--password-stdin", "--json"
    )
    for user in USERS[1:]:
        _command(config, "account", "add", user, "--password-stdin")
    log_path = folder / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "postroad", "serve", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            cwd=folder,
        )

    def stop() -> None:
        end_tree((process.pid,))
        process.wait()

    try:
        wait_for(ports["imap"], log_path)
    except RuntimeError:
        stop()
        raise
    api_key = str(json.loads(made)["api_key"])
    return Server("Postroad", ports, (process.pid,), stop, api_key)


def _command(config: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "postroad", *words, "--config", str(config)],
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        env=_environment(),
        cwd=config.parent,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"postroad {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "POSTROAD" not in name}
    return kept | {"PYTHONPATH": str(_SOURCE)}
