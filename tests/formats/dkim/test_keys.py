"""RFC 6376 section 3.6.1, RFC 8463 section 4: keys and their records."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from postroad.formats.dkim import keys

ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.fixture(scope="module")
def rsa_key() -> keys.PrivateKey:
    return keys.generate_rsa_key()


def test_keys_survive_being_stored(rsa_key: keys.PrivateKey) -> None:
    for key in (rsa_key, keys.generate_ed25519_key()):
        again = keys.load_pem(keys.dump_pem(key))
        assert keys.record_text(again) == keys.record_text(key)
        record = keys.parse_record(keys.record_text(key))
        assert record is not None
        assert record.public_key == key.public_key()
        assert keys.algorithm_of(again).key_type == record.key_type


def test_what_is_no_dkim_key_is_refused() -> None:
    curve = generate_private_key(SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="RSA or Ed25519"):
        keys.load_pem(pem)
    with pytest.raises(ValueError, match=r"."):
        keys.load_pem(b"nothing")


def test_a_long_record_is_cut_into_strings(rsa_key: keys.PrivateKey) -> None:
    text = keys.record_text(rsa_key)
    strings = keys.record_strings(text)
    assert [len(piece) <= 255 for piece in strings] == [True, True]
    assert "".join(strings) == text
    assert keys.zone_text(text) == f'"{strings[0]}" "{strings[1]}"'


def test_records() -> None:
    record = keys.parse_record(f"v=DKIM1; k=ed25519; t=y:s; s=email; h=sha256; p={ED25519}")
    assert record is not None
    assert isinstance(record.public_key, Ed25519PublicKey)
    assert (record.is_testing, record.needs_same_domain, record.is_for_email) == (True,) * 3
    assert record.hashes == ("sha256",)
    revoked = keys.parse_record("v=DKIM1; p=")
    assert revoked is not None
    assert revoked.public_key is None
    other = keys.parse_record(f"k=ed25519; s=tlsrpt; p={ED25519}")
    assert other is not None
    assert not other.is_for_email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=spf1 -all",
        "v=DKIM1",
        f"v=DKIM2; k=ed25519; p={ED25519}",
        f"k=ed25519; v=DKIM1; p={ED25519}",
        f"k=ed448; p={ED25519}",
        f"k=rsa; p={ED25519}",
        "k=ed25519; p=AAAA",
        "k=ed25519; p=***",
    ],
)
def test_what_is_no_usable_record(text: str) -> None:
    assert keys.parse_record(text) is None


def test_a_bare_rsa_public_key_is_accepted(rsa_key: keys.PrivateKey) -> None:
    bare = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    record = keys.parse_record(f"p={base64.b64encode(bare).decode()}")
    assert record is not None
    assert isinstance(record.public_key, RSAPublicKey)
