"""deploy/systemd: the units are sound, and the server works in them."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import units
from deploy.sandbox import NOT_POSSIBLE
from interop.programs import missing, need, run
from postroad.config.loader import load
from postroad.config.settings import Settings

ROOT = Path(__file__).parents[2]
CONFIG = units.FOLDER / "postroad.yaml"
_AT_MOST = 15  # tenths of 10, the worst; systemd calls below 20 "OK"
_KILLED_AFTER = timedelta(seconds=10)  # the supervisor's, after the time of grace


def settings() -> Settings:
    return load(CONFIG, {})


def test_the_settings_name_the_addresses_of_the_sockets() -> None:
    listen = settings().listen
    named = [
        *(listen.smtp + listen.submission + listen.submissions),
        *(listen.imap + listen.imaps + listen.http + listen.https),
    ]
    assert named == units.addresses()


def test_settings_and_units_fit() -> None:
    service = units.SERVICE
    stop = int(units.value(service, "TimeoutStopSec").removesuffix("s"))
    assert timedelta(seconds=stop) > settings().shutdown.grace + _KILLED_AFTER
    assert int(units.value(service, "LimitNOFILE")) > 2 * settings().limits.connections
    assert f"/var/lib/{units.value(service, 'StateDirectory')}" == str(settings().data_dir)
    assert units.value(service, "Environment") == f"POSTROAD_CONFIG=/etc/postroad/{CONFIG.name}"


def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    """With a program that is here instead of that in /opt."""
    analyze = need("systemd-analyze", "systemd")
    for unit in (units.SERVICE, units.SOCKET):
        text = unit.read_text(encoding="utf-8")
        (tmp_path / unit.name).write_text(re.sub(r"(?m)^(ExecStart=)\S+", r"\1/bin/true", text))
    names = [tmp_path / unit.name for unit in (units.SERVICE, units.SOCKET)]
    done = run([analyze, "--no-pager", "--man=no", "verify", *names])
    ours = [line for line in done.out.splitlines() if "postroad" in line]
    assert (done.code, ours) == (0, []), done.out
    broken = tmp_path / units.SERVICE.name
    broken.write_text(broken.read_text().replace("Type=exec", "Type=fast"))
    assert "service type" in run([analyze, "--no-pager", "--man=no", "verify", broken]).out


def test_the_sandbox_is_tight() -> None:
    analyze = need("systemd-analyze", "systemd")
    words = ["security", "--offline=yes", f"--threshold={_AT_MOST}", units.SERVICE]
    done = run([analyze, "--no-pager", *words])
    assert done.code == 0, done.out


def test_the_filter_of_system_calls_leaves_none_that_the_server_has_no_use_for() -> None:
    need("systemd-analyze", "systemd")
    allowed = set(units.allowed_calls())
    assert {"read", "accept4", "mmap", "fsync", "clone", "execve"} <= allowed
    for call in ("mount", "chown", "setuid", "ptrace", "bpf", "reboot", "setrlimit"):
        assert call not in allowed


def test_the_user_can_be_made() -> None:
    sysusers = need("systemd-sysusers", "systemd")
    done = run([sysusers, "--dry-run", units.FOLDER / "sysusers.conf"])
    assert done.code == 0, done.out


@pytest.mark.real
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_server_works_in_the_units(workers: str) -> None:
    need("systemd-analyze", "systemd")
    told = {
        "addresses": units.addresses(),
        "calls": units.allowed_calls(),
        "families": units.value(units.SERVICE, "RestrictAddressFamilies").split(),
        "environment": {
            "POSTROAD_CONFIG": str(CONFIG),
            "POSTROAD_WORKERS": workers,
            "POSTROAD_LIMITS__FREE_DISK_OCTETS": "0",
            "PYTHONPATH": str(ROOT / "src"),
        },
    }
    done = subprocess.run(
        [sys.executable, ROOT / "tests/deploy/sandbox.py"],
        input=json.dumps(told).encode(),
        capture_output=True,
        timeout=200,
        check=False,
    )
    log = done.stderr.decode()
    if done.returncode == NOT_POSSIBLE:
        missing(f"the units are NOT tested: {log}")
    assert done.returncode == 0, log
    result = json.loads(done.stdout)
    assert result["code"] == 0, log
    assert not re.findall(r"Traceback|Z (?:error|critical) |Warning: ", log), log
    starts = {"25": "220 ", "587": "220 ", "465": "220 ", "143": "* OK", "993": "* OK"}
    for address, line in result["seen"].items():
        expected = starts.get(address.rpartition(":")[2], "HTTP/1.1 200")
        assert line.startswith(expected), (address, line)
    for said in ("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert said in result["state"]
