"""The certificate: its dates, its names and its key."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from postroad.cli.diagnosis.finding import Finding, Level
from postroad.config.loader import effective_hostname
from postroad.config.settings import Settings

_SUBJECT = "certificate"
_RENEW = timedelta(days=14)
_FIX = "renew it, and set tls.certificate and tls.key"


def certificate(settings: Settings) -> list[Finding]:
    """The operator's certificate; a self-signed one is told of."""
    path, key = settings.tls.certificate, settings.tls.key
    if path is None or key is None:
        what = "self-signed: mail programs will ask whether to trust it"
        return [Finding(Level.WARN, _SUBJECT, what, "set tls.certificate and tls.key")]
    try:
        leaf = _load(path, key)
    except (OSError, ValueError) as error:
        what = f"{path} with {key} cannot be used: {error}"
        return [Finding(Level.FAIL, _SUBJECT, what, _FIX)]
    return [_dates(path, leaf), _names(path, leaf, effective_hostname(settings))]


def _load(path: Path, key: Path) -> x509.Certificate:
    """Raises `OSError` or `ValueError` when they are no pair."""
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, key)  # SSLError is an OSError
    return leaf


def _dates(path: Path, leaf: x509.Certificate) -> Finding:
    now = datetime.now(UTC)
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d}"
    if now < leaf.not_valid_before_utc:
        what = f"{path} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}"
        return Finding(Level.FAIL, _SUBJECT, what, "check the clock: timedatectl")
    if now > leaf.not_valid_after_utc:
        return Finding(Level.FAIL, _SUBJECT, f"{path} has expired on {until}", _FIX)
    if now > leaf.not_valid_after_utc - _RENEW:
        return Finding(Level.WARN, _SUBJECT, f"{path} expires on {until}", _FIX)
    return Finding(Level.OK, _SUBJECT, f"{path} is valid until {until}")


def _names(path: Path, leaf: x509.Certificate, hostname: str) -> Finding:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        names = []
    wanted = hostname.lower()
    # RFC 9525 section 6.3: a wildcard stands for the whole leftmost label alone.
    if wanted in names or f"*.{wanted.partition('.')[2]}" in names:
        return Finding(Level.OK, _SUBJECT, f"{path} is for {hostname}")
    told = ", ".join(names) or "no name"
    fix = f"get one for {hostname}, or set hostname to a name that it has"
    return Finding(Level.FAIL, _SUBJECT, f"{path} is for {told}, not {hostname}", fix)
