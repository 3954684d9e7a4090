"""What a TLS connection proves beside being private: who the client is, and which channel."""

import ssl

from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from postroad.sessions.sasl.exchange import NO_EVIDENCE, TlsEvidence


def tls_evidence(tls: ssl.SSLObject | None, end_point: bytes) -> TlsEvidence:
    """`end_point` is the binding of our certificate, empty if it has none."""
    if tls is None:
        return NO_EVIDENCE
    return TlsEvidence(_addresses(tls), _bindings(tls, end_point))


def end_point_binding(certificate: bytes) -> bytes:
    """tls-server-end-point of a certificate in PEM (RFC 5929 section 4.1); empty: it has none."""
    parsed = load_pem_x509_certificate(certificate)
    digest = parsed.signature_hash_algorithm
    if digest is None:  # such as Ed25519: the RFC says nothing of it
        return b""
    is_weak = isinstance(digest, hashes.MD5 | hashes.SHA1)
    return parsed.fingerprint(hashes.SHA256() if is_weak else digest)


def _addresses(tls: ssl.SSLObject) -> tuple[str, ...]:
    """The rfc822Names of a certificate; OpenSSL tells of one only when it is verified."""
    certificate = tls.getpeercert()
    names: object = certificate.get("subjectAltName", ()) if certificate else ()
    assert isinstance(names, tuple)  # noqa: S101  # of pairs, which its type does not tell
    return tuple(str(value) for kind, value in names if kind == "email")


def _bindings(tls: ssl.SSLObject, end_point: bytes) -> dict[str, bytes]:
    """None for TLS 1.3: it needs tls-exporter (RFC 9266 section 2), which Python cannot give.

    Security: tls-unique can be made the same on two connections by resuming a session that both
    share, unless the master secret is the extended one (RFC 7627 section 1). Python does not tell
    of that, so a resumed session has no binding.
    """
    if tls.version() != "TLSv1.2" or tls.session_reused:
        return {}
    unique = tls.get_channel_binding("tls-unique")
    if not unique:
        return {}
    found = {"tls-unique": unique}
    if end_point:
        found["tls-server-end-point"] = end_point
    return found
