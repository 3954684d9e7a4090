"""`postroad doctor`: each subject well and ill, with its fix."""

import os
import shutil
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.conftest import SETTINGS, Command
from cli.test_domain import Zone, zone

__all__ = ["zone"]

NOW = datetime.now(UTC)


def findings(command: Command, subject: str) -> list[dict[str, Any]]:  # Any: JSON
    found = command("doctor", "--json").json["findings"]
    return [one for one in found if one["subject"].startswith(subject)]


def settings(text: str, hostname: str = "localhost") -> None:
    base = SETTINGS.replace("hostname: localhost", f"hostname: {hostname}")
    Path("postroad.yaml").write_text(base + text)


def test_a_good_machine_has_no_failures(command: Command) -> None:
    good = command("doctor")
    assert good.code == 0, good.out
    assert "ok    data: the database opens, the master key fits\n" in good.out
    assert "warn  certificate: self-signed" in good.out
    assert "      fix: set tls.certificate and tls.key\n" in good.out
    assert good.out.endswith("0 failed, 3 to look at.\n")
    assert command("doctor", "--json").json["ok"] is True


def test_without_data_it_says_init(bare: Command) -> None:
    ran = bare("doctor")
    assert ran.code == 1
    assert "fail  data folder: data is not there" in ran.out
    assert "fix: postroad init --domain DOMAIN --admin ADDRESS" in ran.out


def test_a_folder_that_others_may_read(command: Command) -> None:
    Path("data").chmod(0o755)
    Path("data/master.key").chmod(0o644)
    fixes = [one["fix"] for one in findings(command, "")]
    assert "chmod 0700 data" in fixes
    assert "chmod 0600 data/master.key" in fixes


def test_another_master_key(command: Command) -> None:
    Path("data/master.key").write_text("00" * 32)
    found = findings(command, "data")[-1]
    assert found["level"] == "fail"
    assert "backup" in found["fix"]


def test_a_port_that_is_taken(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        text = SETTINGS.replace('smtp: ["127.0.0.1:0"]', f'smtp: ["{address}"]')
        Path("postroad.yaml").write_text(text)
        [found] = findings(command, f"port smtp {address}")
    # It is this process, whatever its name, or one that cannot be seen into.
    assert found["what"].startswith(("taken", "served by"))


def test_an_address_of_another_machine(command: Command) -> None:
    text = SETTINGS.replace('smtp: ["127.0.0.1:0"]', 'smtp: ["192.0.2.1:0"]')
    Path("postroad.yaml").write_text(text)
    [found] = findings(command, "port smtp")
    assert found["level"] == "fail"
    assert "192.0.2.1 has to be an address of this machine" in found["fix"]


def test_a_disk_that_is_nearly_full(command: Command) -> None:
    free = shutil.disk_usage(".").free
    settings("")
    for limit, level in ((free * 2, "fail"), (free // 2, "warn")):
        os.environ["POSTROAD_LIMITS__FREE_DISK_OCTETS"] = str(limit)
        try:
            [found] = findings(command, "disk")
        finally:
            del os.environ["POSTROAD_LIMITS__FREE_DISK_OCTETS"]
        assert (found["level"], bool(found["fix"])) == (level, True)


def test_a_clock_that_is_behind_the_data(command: Command) -> None:
    later = time.time() + 3600
    os.utime("data/postroad.db", (later, later))
    [found] = findings(command, "clock")
    assert (found["level"], found["fix"]) == ("fail", "timedatectl set-ntp true")


def certificate(names: list[str], since: datetime, until: datetime) -> None:
    """Writes c.pem and k.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if names:
        general = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(general, critical=False)
    made = builder.sign(key, hashes.SHA256())
    Path("c.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    Path("k.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize(
    ("names", "since", "until", "levels"),
    [
        (["localhost"], -1, 90, ["ok", "ok"]),
        (["localhost"], -1, 5, ["warn", "ok"]),
        (["localhost"], -10, -1, ["fail", "ok"]),
        (["localhost"], 1, 90, ["fail", "ok"]),
        (["other.example"], -1, 90, ["ok", "fail"]),
        ([], -1, 90, ["ok", "fail"]),
    ],
)
def test_certificates(
    command: Command, names: list[str], since: int, until: int, levels: list[str]
) -> None:
    certificate(names, NOW + timedelta(days=since), NOW + timedelta(days=until))
    settings("tls: {certificate: c.pem, key: k.pem}\n")
    found = findings(command, "certificate")
    assert [one["level"] for one in found] == levels
    assert all(bool(one["fix"]) == (one["level"] != "ok") for one in found)


def test_a_certificate_without_its_key(command: Command) -> None:
    certificate(["localhost"], NOW, NOW + timedelta(days=90))
    Path("k.pem").write_text("nothing")
    settings("tls: {certificate: c.pem, key: k.pem}\n")
    [found] = findings(command, "certificate")
    assert found["level"] == "fail"


def test_dns_that_is_missing_fails_where_mail_leaves(command: Command, zone: Zone) -> None:
    command("domain", "add", "example.de")
    settings("", hostname="mail.example.de")
    assert {one["level"] for one in findings(command, "domain example.de")} == {"warn"}
    settings("delivery: {mode: live}\n", hostname="mail.example.de")
    found = {one["subject"]: one for one in findings(command, "domain example.de")}
    assert found["domain example.de SPF"]["level"] == "fail"
    assert found["domain example.de DMARC"]["level"] == "warn"
    fix = found["domain example.de Receiving"]["fix"]
    assert fix == "publish example.de. IN MX 10 mail.example.de."
    [name] = findings(command, "hostname")
    assert (name["level"], name["fix"]) == (
        "fail",
        "publish an A or AAAA record for mail.example.de",
    )
    assert command("doctor").code == 1


def test_dns_that_is_published(
    command: Command, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reverse(address: str) -> tuple[str, list[str], list[str]]:
        if address == "192.0.2.9":
            raise OSError("no name")
        return ("mail.example.de" if address == "192.0.2.1" else "x.example", [], [])

    monkeypatch.setattr(socket, "gethostbyaddr", reverse)
    command("domain", "add", "example.de")
    settings("delivery: {mode: live}\n", hostname="mail.example.de")
    zone.publish(command("domain", "dns", "example.de", "--json").json["records"])
    zone.hosts["mail.example.de"] = ("192.0.2.1", "192.0.2.2", "192.0.2.9")
    assert {one["level"] for one in findings(command, "domain example.de")} == {"ok"}
    assert [one["level"] for one in findings(command, "reverse DNS")] == ["ok", "warn", "warn"]
    [status] = [
        one["status"]
        for one in command("domain", "list", "--json").json
        if one["name"] == "example.de"
    ]
    assert status == "not_started", "a doctor looks and changes nothing"


def test_a_silent_dns_is_told(command: Command, zone: Zone) -> None:
    command("domain", "add", "example.de")
    zone.is_silent = True
    found = findings(command, "domain example.de")
    assert {one["fix"] for one in found} == {"check dns.servers and the network"}
