"""Reading the body of a request within limits (RFC 9110 section 8.6)."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from postroad.base.errors import TryLater
from postroad.http.contract.problems import Problem, RequestError

# Limit: what is small is not counted; the server bounds the number of connections.
_FREE_OCTETS = 65_536


class BodyBudget:
    """Bounds what all requests of a process together keep in memory."""

    def __init__(self, max_octets: int) -> None:
        self._left = max_octets

    def take(self, octets: int) -> None:
        """Raises `TryLater` when there is no room now."""
        if octets > self._left:
            raise TryLater("Too many large requests at once, please try again.")
        self._left -= octets

    def give_back(self, octets: int) -> None:
        """What `take` took."""
        self._left += octets


class Body:
    """The body of one request; to be closed, so that its room is given back."""

    def __init__(self, headers: Headers, limit: int, budget: BodyBudget) -> None:
        self._limit = limit
        self._budget = budget
        self._taken = 0
        self._announced = _announced(headers)

    async def read(self, receive: Receive) -> bytes:
        """All of it. Raises `RequestError` (413), `TryLater`, and `ClientDisconnect`."""
        self._demand(self._announced)
        chunks: list[bytes] = []
        total = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            total += len(chunk)
            self._demand(total)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def close(self) -> None:
        """Give the room back."""
        self._budget.give_back(self._taken)
        self._taken = 0

    def _demand(self, octets: int) -> None:
        if octets > self._limit:
            megabytes = self._limit / 1_000_000
            message = f"The request body is larger than {megabytes:g} MB."
            raise RequestError(Problem(413, "validation_error", message))
        if octets > max(_FREE_OCTETS, self._taken):
            self._budget.take(octets - self._taken)
            self._taken = octets


def _announced(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    # A server that we run behind has checked it already (RFC 9112 section 6.3).
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
