"""Idempotency-Key: a request that is sent twice is done once."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from starlette.datastructures import Headers

from postroad.http.contract.problems import Problem, RequestError
from postroad.model.ids import AccountId

HEADER = (
    "Idempotency-Key",
    "1 to 256 characters; the same key with the same request within 24 hours sends nothing again.",
)
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a request, and what it stands for."""

    text: str
    request_hash: bytes


def read_key(headers: Headers) -> str | None:
    """The key that came with a request, if any. Raises `RequestError`."""
    text = headers.get("idempotency-key")
    if text is None:
        return None
    if not _KEY.match(text):
        message = "The `Idempotency-Key` header must be 1 to 256 printable ASCII characters."
        raise RequestError(Problem(400, "invalid_idempotency_key", message))
    return text


def hash_of(operation: str, body: object) -> bytes:
    """The same for two requests that mean the same, however their JSON was laid out."""
    octets = msgspec.json.encode(body, order="deterministic")
    return hashlib.sha256(operation.encode("ascii") + b"\0" + octets).digest()


def reused() -> RequestError:
    """The key was used for another request before."""
    message = "This idempotency key has been used on a request with a different payload."
    return RequestError(Problem(409, "invalid_idempotent_request", message))


class InFlight:
    """The keys of requests that are being done now, in this process.

    Between processes the store's unique key decides: the later one gets the first one's answer.
    """

    def __init__(self) -> None:
        self._keys: set[tuple[AccountId, str]] = set()

    @contextmanager
    def hold(self, account: AccountId, key: str | None) -> Iterator[None]:
        """While it lasts, the same key is refused with 409."""
        if key is None:
            yield
            return
        name = account, key
        if name in self._keys:
            message = "The first request with this idempotency key is still in progress."
            raise RequestError(Problem(409, "concurrent_idempotent_requests", message, 1))
        self._keys.add(name)
        try:
            yield
        finally:
            self._keys.discard(name)
