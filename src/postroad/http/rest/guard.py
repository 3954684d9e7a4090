"""API keys: `Authorization: Bearer re_...` (RFC 6750 section 2.1)."""

from starlette.datastructures import Headers

from postroad.base.errors import AuthenticationFailed
from postroad.base.secret import Secret
from postroad.core.auth.service import Authenticator
from postroad.http.contract.endpoint import Access
from postroad.http.contract.problems import Problem, RequestError
from postroad.model.principal import Program

_MAX_TOKEN = 512


class Guard:
    """Says who calls, and whether they may call such an endpoint at all."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def authorize(self, headers: Headers, peer: str, access: Access) -> Program | None:
        """The program behind the key. Raises `RequestError`, `TryLater`."""
        if access is Access.PUBLIC:
            return None
        token = _token(headers)
        try:
            program = await self._authenticator.program(token, peer=peer)
        except AuthenticationFailed:
            problem = Problem(403, "invalid_api_key", "API key is invalid")
            raise RequestError(problem) from None
        if access is Access.FULL and not program.may_manage:
            message = "This API key is restricted to only send emails"
            raise RequestError(Problem(401, "restricted_api_key", message))
        return program


def _token(headers: Headers) -> Secret:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        message = "Missing API key in the authorization header: `Authorization: Bearer re_...`"
        raise RequestError(Problem(401, "missing_api_key", message))
    return Secret(token)
