"""Certificates: the operator's, or a self-signed one, in contexts that can be renewed live."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from postroad.base.errors import Invalid
from postroad.server.evidence import end_point_binding

_SELF_SIGNED_DAYS = 3650


class Certificates:
    """One context for all listeners; `reload` changes what the next handshakes show."""

    def __init__(
        self, certificate: Path, key: Path, client_authorities: Path | None = None
    ) -> None:
        """Raises `Invalid`, naming the file that cannot be used."""
        self._certificate = certificate
        self._key = key
        self._seen = self._stamp()
        self._end_point = b""
        self._context = self._load()
        self._asking = self._context
        if client_authorities is not None:
            self._asking = self._load()
            ask_for_certificates(self._asking, client_authorities)

    def context(self) -> ssl.SSLContext:
        return self._context

    def asking(self) -> ssl.SSLContext:
        """For services of our users: it asks for a certificate where there are authorities."""
        return self._asking

    @property
    def end_point(self) -> bytes:
        """The channel binding of the certificate, empty if it has none."""
        return self._end_point

    def use(self, certificate: Path, key: Path) -> None:
        """Take other files from now on. Raises `Invalid`; the ones before then stay."""
        before = self._certificate, self._key
        self._certificate, self._key = certificate, key
        try:
            self._load_into_all()
            self._seen = self._stamp()
        except Invalid:
            self._certificate, self._key = before
            raise

    def reload_if_changed(self) -> bool:
        """Take up changed files. Raises `Invalid`; what was loaded before then stays."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._load_into_all()
        self._seen = stamp
        return True

    def _load_into_all(self) -> None:
        for context in {self._context, self._asking}:
            self._load_into(context)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8997, RFC 9325
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        context.num_tickets = 1
        self._load_into(context)
        return context

    def _load_into(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._certificate, self._key)
            self._end_point = end_point_binding(self._certificate.read_bytes())
        except (OSError, ValueError, ssl.SSLError) as error:
            raise Invalid(
                f"the certificate {self._certificate} with the key {self._key} "
                f"cannot be used: {error}"
            ) from error

    def _stamp(self) -> tuple[int, ...]:
        stamps = []
        for path in (self._certificate, self._key):
            try:
                found = path.stat()
            except OSError as error:
                raise Invalid(f"{path} cannot be read: {error.strerror}") from error
            stamps += [found.st_mtime_ns, found.st_size, found.st_ino]
        return tuple(stamps)


def ask_for_certificates(context: ssl.SSLContext, authorities: Path) -> None:
    """Ask for one, and let in who has none; one that does not verify ends the handshake.

    Raises `Invalid` for a file that cannot be used.
    """
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(f"the authorities {authorities} cannot be used: {error}") from error
    context.verify_mode = ssl.CERT_OPTIONAL


def make_self_signed(hostname: str, certificate: Path, key: Path) -> None:
    """Write a new key and certificate for a host name and localhost."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.now(UTC)
    names = [x509.DNSName(one) for one in dict.fromkeys((hostname, "localhost")) if one.isascii()]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    key.touch(mode=0o600, exist_ok=True)
    key.write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
