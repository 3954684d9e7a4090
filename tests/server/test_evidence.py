"""What TLS connections prove, on both sides of handshakes without any socket."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from postroad.server.evidence import end_point_binding, tls_evidence
from postroad.server.tls import Certificates, make_self_signed
from postroad.sessions.sasl.exchange import NO_EVIDENCE
from support.authority import Authority

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_self_signed("mail.example.test", certificate, key)
    return certificate, key


def shaken(
    server: ssl.SSLContext,
    known: Path,
    version: ssl.TLSVersion,
    *,
    own: Path | None = None,
    session: ssl.SSLSession | None = None,
    trusting: ssl.SSLContext | None = None,
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The client's and the server's end. Raises `ssl.SSLError` when the server refuses."""
    if trusting is None:
        trusting = ssl.create_default_context(cafile=str(known))
        trusting.maximum_version = version
        if own is not None:
            trusting.load_cert_chain(own)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname="localhost", session=session)
    end = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for side in (client, end):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client, end


def test_tls_1_2_has_bindings_that_both_sides_see(files: tuple[Path, Path]) -> None:
    certificates = Certificates(*files)
    ends = [shaken(certificates.context(), files[0], TLS_1_2) for _ in range(2)]
    found = [tls_evidence(end, certificates.end_point).bindings for _, end in ends]
    for (client, _), bindings in zip(ends, found, strict=True):
        assert bindings["tls-unique"] == client.get_channel_binding("tls-unique")
        seen = load_pem_x509_certificate(files[0].read_bytes())
        assert bindings["tls-server-end-point"] == seen.fingerprint(hashes.SHA256())
    assert found[0]["tls-unique"] != found[1]["tls-unique"]
    assert set(tls_evidence(ends[0][1], b"").bindings) == {"tls-unique"}


def test_tls_1_3_and_resumed_sessions_have_none(files: tuple[Path, Path]) -> None:
    context = Certificates(*files).context()
    _, end = shaken(context, files[0], TLS_1_3)
    assert end.version() == "TLSv1.3"
    assert tls_evidence(end, b"x") == NO_EVIDENCE
    assert tls_evidence(None, b"x") == NO_EVIDENCE
    trusting = ssl.create_default_context(cafile=str(files[0]))
    trusting.maximum_version = TLS_1_2
    client, _ = shaken(context, files[0], TLS_1_2, trusting=trusting)
    again, end = shaken(context, files[0], TLS_1_2, trusting=trusting, session=client.session)
    assert again.session_reused
    assert tls_evidence(end, b"x").bindings == {}


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_certificate_names_its_addresses(
    files: tuple[Path, Path], tmp_path: Path, version: ssl.TLSVersion
) -> None:
    authority = Authority(tmp_path)
    certificates = Certificates(*files, authority.path)

    def addresses(own: Path | None, context: ssl.SSLContext) -> tuple[str, ...]:
        client, end = shaken(context, files[0], version, own=own)
        assert client.version() == end.version()
        return tls_evidence(end, b"").addresses

    alice = authority.certificate("alice@example.test", "al@example.test")
    asking = certificates.asking()
    assert addresses(alice, asking) == ("alice@example.test", "al@example.test")
    assert addresses(None, asking) == ()
    assert addresses(authority.certificate(), asking) == ()
    assert addresses(alice, certificates.context()) == ()  # nobody asked
    stranger = Authority(tmp_path, "stranger").certificate("alice@example.test")
    expired = authority.certificate("alice@example.test", days=-1)
    for refused in (stranger, expired):
        with pytest.raises(ssl.SSLError):
            addresses(refused, asking)


def test_both_contexts_are_renewed(files: tuple[Path, Path], tmp_path: Path) -> None:
    certificates = Certificates(*files, Authority(tmp_path).path)
    before = certificates.end_point
    make_self_signed("mail.example.test", *files)
    assert certificates.reload_if_changed()
    assert certificates.end_point == end_point_binding(files[0].read_bytes()) != before
    for context in (certificates.context(), certificates.asking()):
        client, _ = shaken(context, files[0], TLS_1_3)
        assert client.getpeercert()
    alone = Certificates(*files)
    assert alone.asking() is alone.context()
