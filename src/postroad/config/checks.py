"""What a value must be beyond its type, and how settings must fit together.

Each check gives what is wrong, or None.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from postroad.config.buckets import parse_bucket
from postroad.config.fields import Leaf
from postroad.model.workarounds import Workaround

Check = Callable[[object], str | None]

_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_MAX_NAME = 253
_MOST_WORKERS = 64
_CAN_FORK = hasattr(os, "fork")


def check(leaf: Leaf, value: object) -> str | None:
    """What is wrong with a value of the right type."""
    if leaf.path in _CHECKS:
        return _CHECKS[leaf.path](value)
    if leaf.path.startswith("listen.") and isinstance(value, tuple):
        return _first(_listener(one) for one in value)
    if isinstance(value, timedelta) and not value:
        return "must be longer than 0s"
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        return f"{value} is too small: at least 1"
    return None


def check_together(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Paths, and what is wrong with them beside other settings; `values` has every path."""
    if (values["tls.certificate"] is None) != (values["tls.key"] is None):
        missing = "key" if values["tls.key"] is None else "certificate"
        given = "certificate" if missing == "key" else "key"
        yield (
            f"tls.{given}",
            f"tls.{missing} is missing: set both, or neither for a self-signed one",
        )
    if values["bus"] == "postgres:" and str(values["storage.metadata"]).startswith("sqlite:"):
        yield "bus", "is that of PostgreSQL, and storage.metadata names none"
    first, longest = values["delivery.queue.first_retry"], values["delivery.queue.longest_retry"]
    if isinstance(first, timedelta) and isinstance(longest, timedelta) and first > longest:
        yield "delivery.queue.first_retry", "is longer than delivery.queue.longest_retry"
    if bool(values["storage.s3.access_key_id"]) != bool(values["storage.s3.secret_access_key"]):
        yield (
            "storage.s3.access_key_id",
            "is of use only together with storage.s3.secret_access_key: set both, or neither",
        )
    yield from _oauth(values)
    yield from _twice(values)


def split_listener(text: str) -> tuple[str, int]:
    """``127.0.0.1:25``, ``[::]:25`` or ``localhost:25`` as host and port. Raises `ValueError`."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed):
        raise ValueError(f'"{text}" is not an address such as 127.0.0.1:25 or [::]:25')
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 2**16):
        raise ValueError(f'"{text}": the port is a number from 0 to 65535')
    bare = host[1:-1] if bracketed else host
    if not _is_address(bare, version=6 if bracketed else None) and (
        bracketed or not _is_name(bare)
    ):
        raise ValueError(f'"{text}": {bare} is neither an IP address nor a host name')
    return bare, int(port)


def _oauth(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    given = {name: str(values[f"auth.oauth.{name}"]) for name in _OAUTH}
    if given["jwks"] and given["introspection"]:
        yield "auth.oauth.introspection", "is one way too many beside auth.oauth.jwks: set one"
    needed: tuple[str, ...] = ()
    if given["jwks"]:
        needed = ("issuer", "audience")
    elif given["introspection"]:
        needed = ("client_id", "client_secret")
    for name in needed:
        if not given[name]:
            yield f"auth.oauth.{name}", "is missing, and tokens cannot be checked without it"
    for name in ("jwks", "introspection"):
        is_plain = given[name].lower().startswith("http:")
        if is_plain and values["auth.oauth.private_networks"] is not True:
            yield (
                f"auth.oauth.{name}",
                "has to be https, unless auth.oauth.private_networks is set",
            )


def _twice(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for path, value in values.items():
        if not path.startswith("listen.") or not isinstance(value, tuple):
            continue
        for address in value:
            if address in seen and not address.endswith(":0"):
                yield path, f"{address} is taken by {seen[address]} already"
            seen.setdefault(address, path)


def _first(found: Iterator[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)


def _listener(text: str) -> str | None:
    try:
        split_listener(text)
    except ValueError as error:
        return str(error)
    return None


def _is_address(text: str, version: int | None = None) -> bool:
    try:
        return ipaddress.ip_address(text.partition("%")[0]).version in (version or 4, version or 6)
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    last = text.rstrip(".").rpartition(".")[2]
    return len(text) <= _MAX_NAME and bool(_NAME.fullmatch(text)) and not last.isdigit()


def _hostname(value: object) -> str | None:
    if value == "" or _is_name(str(value)):
        return None
    return f'"{value}" is not a host name such as mail.example.org'


def _workers(value: object) -> str | None:
    if value == 1 or (value == "auto" and _CAN_FORK):
        return None
    if not _CAN_FORK:
        return f"{value} workers are not possible: this system has no fork"
    if isinstance(value, int) and 1 <= value <= _MOST_WORKERS:
        return None
    return f"{value} workers are not possible: auto, or a number from 1 to {_MOST_WORKERS}"


def _port(value: object) -> str | None:
    if isinstance(value, int) and 0 < value < 2**16:
        return None
    return f"{value} is not a port: a number from 1 to 65535"


def _growth(value: object) -> str | None:
    if isinstance(value, float) and 1 <= value <= 10:
        return None
    return f"{value} is not between 1 and 10"


def _jitter(value: object) -> str | None:
    if isinstance(value, float) and 0 <= value < 1:
        return None
    return f"{value} is not at least 0 and below 1"


def _relay(value: object) -> str | None:
    """Security: the value is never repeated, for it may hold a password."""
    wanted = "is not a URL such as smtp://user:password@mail.example.org:587"
    if value == "":
        return None
    try:
        url = urlsplit(str(value))
        port = url.port
    except ValueError:
        return wanted
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path not in ("", "/"):
        return wanted
    if url.query or url.fragment or port == 0:
        return wanted
    if not _is_address(url.hostname) and not _is_name(url.hostname):
        return "has a host that is neither an IP address nor a host name"
    if (url.username is None) != (url.password is None):
        return "has a user without a password, or a password without a user"
    return None


def _blobs(value: object) -> str | None:
    """Security: what is wrong with a bucket is told without repeating it."""
    if str(value).startswith("s3:"):
        try:
            parse_bucket(str(value))
        except ValueError as error:
            return str(error)
        return None
    if str(value).startswith("segments:") and str(value) != "segments:":
        return None
    return f'"{value}" is not possible here: segments:PATH, or s3://BUCKET/PREFIX?endpoint=URL'


_POSTGRES = ("postgres://", "postgresql://")
_BUSES = (
    *_POSTGRES,
    *("redis://", "rediss://", "redis+sentinel://", "rediss+sentinel://"),
    *("nats://", "tls://"),
)


def _database(value: object) -> str | None:
    """Security: the value is never repeated, for it may hold a password."""
    text = str(value)
    if text.startswith("sqlite:") and len(text) > len("sqlite:"):
        return None
    if not text.startswith(_POSTGRES):
        return "is neither sqlite:PATH nor postgres://user:password@host:port/database"
    try:
        urlsplit(text)
    except ValueError as error:
        return f"is not a URL: {error}"
    return None


def _bus(value: object) -> str | None:
    """Security: the value is never repeated, for it may hold a password."""
    text = str(value)
    if text in ("", "local:", "postgres:") or text.startswith(_BUSES):
        return None
    return "is neither local:, postgres:, postgres://…, redis://… nor nats://…"


def _servers(value: object) -> str | None:
    assert isinstance(value, tuple)  # noqa: S101  # for the type checker
    return _first(_server(one) for one in value)


def _server(text: str) -> str | None:
    if _is_address(text):
        return None
    host = text.rpartition(":")[0]
    if _is_address(host, version=4) or (host[:1] == "[" and _is_address(host[1:-1], version=6)):
        return _listener(text)
    return f'"{text}" is not the address of a DNS server, such as 192.0.2.1 or 192.0.2.1:53'


def _at_least(least: int) -> Check:
    def check_least(value: object) -> str | None:
        if isinstance(value, int) and value >= least:
            return None
        return f"{value} is too small: at least {least}"

    return check_least


def _annotation(value: object) -> str | None:
    """RFC 5464 section 4.1; more does not fit into a command, see `max_literal_octets`."""
    if isinstance(value, int) and 1024 <= value <= 65_536:
        return None
    return f"{value} is not from 1024 to 65536"


def _url(value: object) -> str | None:
    try:
        url = urlsplit(str(value))
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_url = False
    if not value or (is_url and url.username is None):
        return None
    return "is not a URL such as https://login.example.org/oauth2/introspect"


def _keys(value: object) -> str | None:
    """A path is anything that does not look like a URL."""
    return _url(value) if "://" in str(value) else None


def _workarounds(value: object) -> str | None:
    assert isinstance(value, tuple)  # noqa: S101  # for the type checker
    known = [each.value for each in Workaround]
    return _first(
        None if name in known else f'"{name}" is none of {", ".join(known)}' for name in value
    )


_OAUTH = ("issuer", "audience", "jwks", "introspection", "client_id", "client_secret")
_CHECKS: dict[str, Check] = {
    "hostname": _hostname,
    "workers": _workers,
    "delivery.port": _port,
    "delivery.relay": _relay,
    "delivery.queue.growth": _growth,
    "delivery.queue.jitter": _jitter,
    "auth.oauth.jwks": _keys,
    "auth.oauth.introspection": _url,
    "bus": _bus,
    "storage.metadata": _database,
    "storage.blobs": _blobs,
    "dns.servers": _servers,
    "limits.message_octets": _at_least(64 * 1024),  # RFC 5321 section 4.5.3.1.7
    "limits.recipients": _at_least(100),  # RFC 5321 section 4.5.3.1.8
    "limits.annotation_octets": _annotation,
    "limits.annotations": _at_least(10),  # RFC 5464 section 4.1
    "limits.annotations_octets": _at_least(10 * 1024),
    "limits.request_octets": _at_least(1024),
    "limits.free_disk_octets": _at_least(0),
    "imap.workarounds": _workarounds,
    "storage.s3.cache_octets": _at_least(0),
    "mail.undelete_days": _at_least(0),
    "shutdown.grace": lambda value: None,
}
