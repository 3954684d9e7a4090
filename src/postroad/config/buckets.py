"""The address of a bucket: ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path``."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SEGMENT = re.compile(r"[A-Za-z0-9!_.*'()=-]{1,200}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_MAX_PREFIX = 500
_DEFAULT_REGION = "us-east-1"
_STYLES = ("path", "virtual")


@dataclass(frozen=True, slots=True)
class BucketAddress:
    bucket: str
    prefix: str
    endpoint: str
    """Empty: that of AWS."""
    region: str
    is_virtual_hosted: bool


def parse_bucket(url: str) -> BucketAddress:
    """Raises `ValueError` with what is wrong; the URL is not repeated, it may hold a secret."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or parts.username is not None or parts.fragment:
        raise ValueError("is not a bucket such as s3://mail/postroad?endpoint=https://s3.test")
    if not _BUCKET.fullmatch(parts.netloc):
        raise ValueError("has no bucket name of 3 to 63 letters, digits, dots and hyphens")
    given = _parameters(parts.query)
    region, style = given.get("region", _DEFAULT_REGION), given.get("style", _STYLES[0])
    if not _REGION.fullmatch(region):
        raise ValueError("has a region that is none, such as eu-central-1")
    if style not in _STYLES:
        raise ValueError(f"has a style that is not {' or '.join(_STYLES)}")
    return BucketAddress(
        parts.netloc,
        _prefix(parts.path),
        _endpoint(given.get("endpoint", "")),
        region,
        style == "virtual",
    )


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("has a parameter twice")
    if strange := given.keys() - {"endpoint", "region", "style"}:
        name = min(strange)
        raise ValueError(f"has a parameter that is not endpoint, region or style: {name[:40]!r}")
    return given


def _prefix(path: str) -> str:
    prefix = path.strip("/")
    segments = prefix.split("/") if prefix else []
    if len(prefix) > _MAX_PREFIX or not all(map(_is_plain, segments)):
        raise ValueError("has a prefix that is not of letters, digits, hyphens and slashes")
    return prefix


def _is_plain(segment: str) -> bool:
    return bool(_SEGMENT.fullmatch(segment)) and segment not in (".", "..")


def _endpoint(text: str) -> str:
    if not text:
        return ""
    try:
        url = urlsplit(text)
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_url = False
    if not is_url or url.username is not None or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("has an endpoint that is not a URL such as https://s3.example.org:9000")
    return text.rstrip("/")
