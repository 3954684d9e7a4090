"""/api-keys: keys for programs."""

import msgspec

from postroad.base.errors import NotPermitted
from postroad.base.moments import to_iso
from postroad.http.contract.endpoint import Access, Call, Endpoint
from postroad.http.contract.problems import unprocessable
from postroad.http.rest.pages import Listed, PageQuery, page_of, uuid_of
from postroad.http.rest.services import RestServices
from postroad.model.directory import ApiKey, KeyPermission

_MAX_NAME = 50


class CreateApiKey(msgspec.Struct, kw_only=True):
    """A key to be made."""

    name: str
    permission: KeyPermission = KeyPermission.FULL
    domain_id: str | None = None


class NewApiKey(msgspec.Struct):
    """A new key; the token is not shown again."""

    id: str
    token: str


class ApiKeyShown(msgspec.Struct):
    """A key in a list."""

    id: str
    name: str
    permission: str
    domain_id: str | None
    created_at: str
    last_used_at: str | None


class ApiKeyDeleted(msgspec.Struct, kw_only=True):
    """A key that no longer opens anything."""

    object: str = "api_key"
    id: str
    deleted: bool = True


async def _create(call: Call[RestServices, CreateApiKey]) -> NewApiKey:
    wanted = call.body
    if not 0 < len(wanted.name.strip()) <= _MAX_NAME:
        raise unprocessable(
            "validation_error", f"The `name` field must have 1 to {_MAX_NAME} characters."
        )
    if wanted.domain_id is not None and wanted.permission is KeyPermission.FULL:
        raise unprocessable(
            "validation_error", "`domain_id` can only be used with `sending_access`."
        )
    _demand_unrestricted(call.program.key)
    domain_id = None if wanted.domain_id is None else uuid_of(wanted.domain_id, "domain_id")
    key, token = await call.services.keys.create(
        call.program.tenant_id, wanted.name.strip(), wanted.permission, domain_id
    )
    return NewApiKey(key.key_id, token.reveal())


async def _list(call: Call[RestServices, None]) -> Listed[ApiKeyShown]:
    keys = await call.services.keys.keys(call.program.tenant_id)
    page = page_of(keys, call.query_as(PageQuery), lambda key: key.key_id)
    return Listed(has_more=page.has_more, data=[_shown(key) for key in page.data])


async def _delete(call: Call[RestServices, None]) -> ApiKeyDeleted:
    key_id = uuid_of(call.path["api_key_id"], "api_key_id")
    _demand_unrestricted(call.program.key)
    await call.services.keys.delete(call.program.tenant_id, key_id)
    return ApiKeyDeleted(id=key_id)


def _demand_unrestricted(key: ApiKey) -> None:
    # Security: a key for one domain must not make itself one for all.
    if key.domain_id is not None:
        raise NotPermitted("This API key is restricted to one domain.")


def _shown(key: ApiKey) -> ApiKeyShown:
    used_at = None if key.last_used_at is None else to_iso(key.last_used_at)
    return ApiKeyShown(
        key.key_id, key.name, key.permission.value, key.domain_id, to_iso(key.created_at), used_at
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api-keys",
        "Make a key; its token is shown this once.",
        Access.FULL,
        CreateApiKey,
        NewApiKey,
        _create,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api-keys",
        "List the keys, newest first.",
        Access.FULL,
        None,
        Listed[ApiKeyShown],
        _list,
        query=PageQuery,
    ),
    Endpoint(
        "DELETE",
        "/api-keys/{api_key_id}",
        "Remove a key: it is refused from now on.",
        Access.FULL,
        None,
        ApiKeyDeleted,
        _delete,
    ),
)
