"""One thing that a program can ask for, as a value."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec
from starlette.datastructures import Headers

from postroad.base.errors import NotPermitted
from postroad.http.contract.decoding import decode_json, decode_query
from postroad.model.principal import Program

S = TypeVar("S")
B = TypeVar("B")
B_co = TypeVar("B_co", covariant=True)
Q = TypeVar("Q")


class Access(Enum):
    """Who may call an endpoint."""

    PUBLIC = "anyone"
    SENDING = "any API key"
    FULL = "API keys with full access"


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not JSON."""

    media_type: str
    octets: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call(Generic[S, B_co]):
    """One request on its way to its handler; `services` is what the handlers talk to."""

    services: S
    body: B_co
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Headers
    peer: str
    caller: Program | None

    @property
    def program(self) -> Program:
        """Who calls; there is somebody wherever `Access` is not public."""
        if self.caller is None:
            raise NotPermitted("This needs an API key.")
        return self.caller

    def query_as(self, kind: type[Q]) -> Q:
        """The query's parameters as a value. Raises `RequestError`."""
        return decode_query(self.query, kind)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[S, B]):
    """A method at a path, what goes in and out, and who does it."""

    method: str
    path: str
    """With parameters in braces, as in OpenAPI: `/emails/{email_id}`."""
    summary: str
    access: Access
    request: object
    """The type of the body; None if there is none. What comes all the same is left alone."""
    response: object
    """The type of the answer, for its description."""
    handle: Callable[[Call[S, B]], Awaitable[object]]
    status: int = 200
    query: type[msgspec.Struct] | None = None
    decode: Callable[[bytes], B] | None = None
    """How to read the body; None: as JSON of the type `request`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Request header fields it looks at, each with a sentence."""

    def body_of(self, octets: bytes) -> B:
        """The value of a body. Raises `RequestError`; costs CPU in proportion to the octets."""
        if self.decode is not None:
            return self.decode(octets)
        return decode_json(octets, self.request)

    @property
    def operation(self) -> str:
        """A name that no other endpoint has: `post_emails_email_id_cancel`."""
        words = self.path.replace("{", "").replace("}", "").replace("-", "_").split("/")
        return "_".join([self.method.lower(), *filter(None, words)])


AnyEndpoint = Endpoint[S, Any]  # Any: a list of endpoints holds many types of bodies
