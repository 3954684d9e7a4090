"""The REST API as an ASGI application, with its own description at /openapi.json and /docs."""

from collections.abc import Sequence

import msgspec
from starlette.types import ASGIApp

from postroad.core.auth.service import Authenticator
from postroad.http.contract.api import Api, ApiLimits
from postroad.http.contract.endpoint import Access, AnyEndpoint, Call, Endpoint, Raw
from postroad.http.contract.openapi import Json, document
from postroad.http.contract.page import docs_page
from postroad.http.rest import ENDPOINTS
from postroad.http.rest.errors import ERRORS
from postroad.http.rest.guard import Guard
from postroad.http.rest.services import RestServices

_VERSION = "1"
_DESCRIPTION = (
    "Send email and look at what became of it. The endpoints, names and errors are those of the "
    "Resend API, so that its SDKs work when they are pointed here; /emails/{email_id}/events and "
    "/accounts are ours."
)


def build(
    services: RestServices, authenticator: Authenticator, limits: ApiLimits | None = None
) -> ASGIApp:
    """The application; it has no state but what is in `services`."""
    endpoints = (*ENDPOINTS, *_described(ENDPOINTS))
    guard = Guard(authenticator)
    api = Api(endpoints, services, guard.authorize, ERRORS, services.tasks, limits or ApiLimits())
    return api.asgi()


def description() -> Json:
    """The OpenAPI document."""
    return document(ENDPOINTS, title="Postroad", version=_VERSION, description=_DESCRIPTION)


def _described(
    endpoints: Sequence[AnyEndpoint[RestServices]],
) -> tuple[AnyEndpoint[RestServices], ...]:
    described = description()
    openapi = Raw("application/json", msgspec.json.encode(described))
    page = docs_page(described)

    async def show_openapi(call: Call[RestServices, None]) -> Raw:
        return openapi

    async def show_page(call: Call[RestServices, None]) -> Raw:
        return page

    return (
        Endpoint(
            "GET", "/openapi.json", "This description.", Access.PUBLIC, None, None, show_openapi
        ),
        Endpoint("GET", "/docs", "It for people.", Access.PUBLIC, None, None, show_page),
    )
