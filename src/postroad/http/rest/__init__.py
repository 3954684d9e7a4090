"""The REST API for programs; the official Resend SDKs talk to it unchanged.

`ENDPOINTS` is all of it, by hand; `application` makes an ASGI application of them.
"""

from postroad.http.contract.endpoint import AnyEndpoint
from postroad.http.rest import apikeys, domains, emails, expunged, operations
from postroad.http.rest.services import RestServices

ENDPOINTS: tuple[AnyEndpoint[RestServices], ...] = (
    *emails.ENDPOINTS,
    *domains.ENDPOINTS,
    *apikeys.ENDPOINTS,
    *expunged.ENDPOINTS,
    *operations.ENDPOINTS,
)
