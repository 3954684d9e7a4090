"""Which certificate is shown: the operator's, or a self-signed one that is made once."""

from pathlib import Path

from postroad.base.errors import Invalid
from postroad.config.settings import Settings
from postroad.server.tls import Certificates, make_self_signed


def load_certificates(settings: Settings, hostname: str) -> Certificates:
    """As the settings have them. Raises `Invalid`, naming the file that cannot be used."""
    authorities = settings.auth.client_certificates.ca
    return Certificates(*certificate_files(settings, hostname), authorities)


def certificate_files(settings: Settings, hostname: str) -> tuple[Path, Path]:
    """Certificate and key, which are there afterwards. Raises `Invalid`."""
    tls = settings.tls
    if tls.certificate is not None and tls.key is not None:
        return tls.certificate, tls.key
    if tls.certificate is not None or tls.key is not None:
        raise Invalid("tls.certificate and tls.key go together: set both, or neither")
    folder = settings.below_data("tls")
    folder.mkdir(mode=0o700, exist_ok=True)
    certificate, key = folder / "self-signed.pem", folder / "self-signed.key"
    if not (certificate.exists() and key.exists()):
        make_self_signed(hostname, certificate, key)
    return certificate, key
