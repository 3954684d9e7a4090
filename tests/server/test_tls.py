"""Certificates: made, loaded, changed under a running server."""

import os
import ssl
import stat
from pathlib import Path

import pytest

from postroad.base.errors import Invalid
from postroad.server.tls import Certificates, make_self_signed


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_self_signed("mail.example.test", certificate, key)
    return certificate, key


def test_a_self_signed_certificate_names_the_host_and_its_key_is_secret(
    files: tuple[Path, Path],
) -> None:
    certificate, key = files
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert _shown(Certificates(*files).context(), certificate, "mail.example.test")
    assert _shown(Certificates(*files).context(), certificate, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        _shown(Certificates(*files).context(), certificate, "other.example.test")


def test_old_versions_of_tls_are_not_spoken(files: tuple[Path, Path]) -> None:
    assert Certificates(*files).context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_changed_files_are_taken_up_in_the_same_context(files: tuple[Path, Path]) -> None:
    certificates = Certificates(*files)
    context = certificates.context()
    before = _shown(context, files[0], "localhost")
    assert not certificates.reload_if_changed()
    make_self_signed("mail.example.test", *files)
    assert certificates.reload_if_changed()
    assert not certificates.reload_if_changed()
    assert certificates.context() is context
    assert _shown(context, files[0], "localhost") != before


def test_a_broken_new_certificate_leaves_the_old_one(files: tuple[Path, Path]) -> None:
    certificates = Certificates(*files)
    kept = files[0].read_bytes()
    (old := files[0].with_name("old.pem")).write_bytes(kept)
    files[0].write_text("broken")
    with pytest.raises(Invalid, match=str(files[0])):
        certificates.reload_if_changed()
    assert _shown(certificates.context(), old, "localhost")
    files[0].unlink()
    with pytest.raises(Invalid, match="cannot be read"):
        certificates.reload_if_changed()


@pytest.mark.parametrize("wrong", ["missing", "empty", "other key"])
def test_files_that_cannot_be_used_are_named(
    files: tuple[Path, Path], tmp_path: Path, wrong: str
) -> None:
    if wrong == "missing":
        os.unlink(files[1])
    elif wrong == "empty":
        files[0].write_bytes(b"")
    else:
        make_self_signed("x", tmp_path / "other.pem", files[1])
    with pytest.raises(Invalid, match=str(tmp_path)):
        Certificates(*files)


def _shown(context: ssl.SSLContext, known: Path, name: str) -> bytes:
    """What a client that trusts `known` sees, without any socket."""
    trusting = ssl.create_default_context(cafile=str(known))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True) or b""
