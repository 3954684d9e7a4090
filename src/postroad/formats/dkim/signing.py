"""Signing a message (RFC 6376 section 5), with as many keys as a domain has."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postroad.formats.dkim import keys
from postroad.formats.dkim.canonical import Canonicalisation, header_field, split_fields

# RFC 6376 section 5.4.1, and RFC 8058 section 4 for the List-Unsubscribe pair.
SIGNED = (
    b"From",
    b"Sender",
    b"Reply-To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"To",
    b"Cc",
    b"MIME-Version",
    b"Content-Type",
    b"Content-Transfer-Encoding",
    b"Content-ID",
    b"Content-Description",
    b"In-Reply-To",
    b"References",
    b"Resent-Date",
    b"Resent-From",
    b"Resent-To",
    b"Resent-Cc",
    b"Resent-Message-ID",
    b"List-Id",
    b"List-Help",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
    b"List-Subscribe",
    b"List-Post",
    b"List-Owner",
    b"List-Archive",
    b"Feedback-ID",
)
# Security: named once more than they occur, so that nobody can add another that a reader would
# see instead of ours (RFC 6376 section 8.15).
OVERSIGNED = frozenset(
    {
        b"From",
        b"Reply-To",
        b"Subject",
        b"Date",
        b"To",
        b"Cc",
        b"Message-ID",
        b"MIME-Version",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"In-Reply-To",
        b"References",
    }
)
_LINE_OCTETS = 76


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key of a domain; `domain` and `selector` are ASCII (A-labels)."""

    domain: str
    selector: str
    private_key: keys.PrivateKey = field(repr=False)


def sign(
    header: bytes,
    body_hash: bytes,
    signing_keys: Sequence[SigningKey],
    *,
    signed_at: datetime,
    expires_at: datetime | None = None,
) -> bytes:
    """The DKIM-Signature fields, one for each key, to be put before the header.

    `header` ends with the last field's CRLF (the empty line may follow); `body_hash` comes from
    a `BodyHasher` for relaxed. Each line ends with CRLF and stays below 79 octets as far as the
    names allow. The signatures are independent of each other (RFC 8463 section 3).
    """
    fields = split_fields(header)
    names, canonical = _choose(fields)
    signatures = []
    for key in signing_keys:
        unsigned = _unsigned_field(key, names, body_hash, signed_at, expires_at)
        own = header_field(unsigned, Canonicalisation.RELAXED).removesuffix(b"\r\n")
        octets = canonical + own
        digest = hashlib.sha256(octets).digest()
        value = base64.b64encode(keys.signature_of(key.private_key, octets, digest))
        signatures.append(unsigned + _folded(value) + b"\r\n")
    return b"".join(signatures)


def _choose(fields: list[tuple[bytes, bytes]]) -> tuple[list[bytes], bytes]:
    """The names for h=, and the canonical fields in that order.

    Of several fields of one name the last is taken first (RFC 6376 section 5.4.2).
    """
    present = Counter(name for name, _ in fields)
    by_name: dict[bytes, list[bytes]] = {}
    for name, octets in fields:
        by_name.setdefault(name, []).append(octets)
    names: list[bytes] = []
    chosen: list[bytes] = []
    for name in SIGNED:
        count = present[name.lower()]
        names += [name] * (count + (name in OVERSIGNED))
        chosen += reversed(by_name.get(name.lower(), []))
    return names, b"".join(header_field(octets, Canonicalisation.RELAXED) for octets in chosen)


def _unsigned_field(
    key: SigningKey,
    names: list[bytes],
    body_hash: bytes,
    signed_at: datetime,
    expires_at: datetime | None,
) -> bytes:
    algorithm = keys.algorithm_of(key.private_key).value
    times = f"t={int(signed_at.timestamp())};"
    if expires_at is not None:
        times += f" x={int(expires_at.timestamp())};"
    return b"".join(
        (
            f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n".encode("ascii"),
            f" d={key.domain}; s={key.selector};\r\n {times}\r\n".encode("ascii"),
            b" h=" + _folded_names(names) + b";\r\n",
            b" bh=" + base64.b64encode(body_hash) + b";\r\n b=",
        )
    )


def _folded_names(names: list[bytes]) -> bytes:
    lines: list[bytes] = []
    line = b""
    for name in names:
        if line and len(line) + len(name) + 6 > _LINE_OCTETS:
            lines.append(line)
            line = b""
        line += name + b":"
    return b"\r\n  ".join([*lines, line])[:-1]


def _folded(value: bytes) -> bytes:
    first = _LINE_OCTETS - len(b" b=")
    rest = value[first:]
    step = _LINE_OCTETS - 2
    lines = [value[:first], *(rest[at : at + step] for at in range(0, len(rest), step))]
    return b"\r\n  ".join(lines)
