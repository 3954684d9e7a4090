"""Endpoints as an ASGI application: routes, rights, limits, and every error as JSON."""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from postroad.base.errors import MailError
from postroad.http.contract.bodies import Body, BodyBudget
from postroad.http.contract.endpoint import Access, AnyEndpoint, Call, Raw
from postroad.http.contract.problems import ErrorTable, Problem, RequestError, problem_of
from postroad.model.principal import Program
from postroad.ports.tasks import Tasks

S = TypeVar("S")

_log = logging.getLogger(__name__)
_SLASHES = re.compile(r"/{2,}")
_FIELDS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
# Above this, parsing JSON would hold the loop for more than 5 ms (DESIGN.md section 2).
_OFFLOADED_OCTETS = 262_144
# A body that an endpoint does not look at: the Python SDK sends `{}` with every GET.
_UNUSED_OCTETS = 65_536

Authorize = Callable[[Headers, str, Access], Awaitable[Program | None]]
"""Header fields, the peer's address and what is needed -> who calls. Raises `RequestError`."""


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """What requests may cost."""

    max_body_octets: int = 60_000_000
    """Largest request body; 40 MB of attachments take 54 MB as base64."""
    max_bodies_octets: int = 256_000_000
    """Request bodies of all requests at once, of one process."""


class Api(Generic[S]):
    """An application of `endpoints`; what they share is in `services`."""

    def __init__(
        self,
        endpoints: Sequence[AnyEndpoint[S]],
        services: S,
        authorize: Authorize,
        errors: ErrorTable,
        tasks: Tasks,
        limits: ApiLimits,
    ) -> None:
        self._services = services
        self._authorize = authorize
        self._errors = errors
        self._tasks = tasks
        self._limits = limits
        self._budget = BodyBudget(limits.max_bodies_octets)
        by_path: dict[str, dict[str, AnyEndpoint[S]]] = {}
        for endpoint in endpoints:
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        # A path without parameters goes before one that has them: /emails/batch, /emails/{id}.
        paths = sorted(by_path, key=lambda path: "{" in path)
        self._app = Starlette(
            routes=[Route(path, _Resource(self, by_path[path])) for path in paths],
            exception_handlers={HTTPException: _unrouted, Exception: _our_mistake},
        )
        self._app.router.redirect_slashes = False

    def asgi(self) -> ASGIApp:
        """The application; paths with doubled slashes or one at the end are taken as meant."""
        return _Tidy(self._app)

    async def answer(self, endpoint: AnyEndpoint[S], scope: Scope, receive: Receive) -> Response:
        """Do what one request wants, or say why not."""
        try:
            result = await self._result(endpoint, scope, receive)
        except RequestError as error:
            return problem_response(error.problem)
        except MailError as error:
            return problem_response(problem_of(error, self._errors))
        if isinstance(result, Raw):
            return Response(result.octets, result.status, dict(result.headers), result.media_type)
        return Response(msgspec.json.encode(result), endpoint.status, _FIELDS)

    async def _result(self, endpoint: AnyEndpoint[S], scope: Scope, receive: Receive) -> object:
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else ""
        # Security: who may not call gets no room for a body.
        caller = await self._authorize(headers, peer, endpoint.access)
        limit = self._limits.max_body_octets if endpoint.request else _UNUSED_OCTETS
        body = Body(headers, limit, self._budget)
        try:
            call = Call(
                services=self._services,
                body=await self._value(endpoint, await body.read(receive)),
                path=scope["path_params"],
                query=QueryParams(scope["query_string"]),
                headers=headers,
                peer=peer,
                caller=caller,
            )
            return await endpoint.handle(call)
        finally:
            body.close()

    async def _value(self, endpoint: AnyEndpoint[S], octets: bytes) -> Any:  # Any: see AnyEndpoint
        if endpoint.request is None:
            return None
        if len(octets) <= _OFFLOADED_OCTETS:
            return endpoint.body_of(octets)
        return await self._tasks.offload(lambda: endpoint.body_of(octets))


class _Resource(Generic[S]):
    """The endpoints at one path."""

    def __init__(self, api: Api[S], methods: dict[str, AnyEndpoint[S]]) -> None:
        self._api = api
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._methods.get(method)
        if endpoint is None:
            allow = ", ".join(sorted(self._methods))
            message = f"The method {scope['method']} is not allowed here, {allow} is."
            problem = Problem(405, "method_not_allowed", message, allow=allow)
            await problem_response(problem)(scope, receive, send)
            return
        try:
            response = await self._api.answer(endpoint, scope, receive)
        except ClientDisconnect:
            return
        fields = {"operation": endpoint.operation, "status": response.status_code}
        _log.info("request answered", extra=fields)
        await response(scope, receive, send)


class _Tidy:
    """Interop: the Go and Ruby SDKs join addresses so that `//emails` comes out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = _SLASHES.sub("/", scope["path"])
            if len(path) > 1:
                path = path.removesuffix("/")
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


def problem_response(problem: Problem) -> Response:
    """The answer that says what is wrong."""
    fields = dict(_FIELDS)
    if problem.retry_after_seconds is not None:
        fields["retry-after"] = str(problem.retry_after_seconds)
    if problem.allow is not None:
        fields["allow"] = problem.allow
    if problem.status == 413:
        # The rest of the body will not be read.
        fields["connection"] = "close"
    return Response(problem.encode(), problem.status, fields)


async def _unrouted(request: Request, error: Exception) -> Response:
    return problem_response(Problem(404, "not_found", "The requested endpoint does not exist."))


async def _our_mistake(request: Request, error: Exception) -> Response:
    # Starlette raises it again after this, and the server logs it with its traceback.
    return problem_response(Problem(500, "internal_server_error", "Internal error."))
