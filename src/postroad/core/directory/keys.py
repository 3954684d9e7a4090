"""API keys of a tenant's programs."""

from collections.abc import Sequence

from postroad.base.errors import Invalid, NotFound
from postroad.base.identifiers import new_uuid
from postroad.base.secret import Secret
from postroad.core.auth.passwords import api_token_hash, new_api_token
from postroad.core.auth.sealing import Sealer
from postroad.model.directory import ApiKey, KeyPermission
from postroad.model.ids import TenantId
from postroad.ports.clock import Clock
from postroad.stores.directory import DirectoryStore

_MAX_NAME = 50  # as the Resend API has it


class ApiKeys:
    def __init__(self, directory: DirectoryStore, sealer: Sealer, clock: Clock) -> None:
        self._directory = directory
        self._sealer = sealer
        self._clock = clock

    async def create(
        self, tenant: TenantId, name: str, permission: KeyPermission, domain_id: str | None
    ) -> tuple[ApiKey, Secret]:
        """A key and its token, which is known now and never again.

        Raises `Invalid` for the name, `NotFound` for a domain that is not the tenant's.
        """
        if not name or len(name) > _MAX_NAME:
            raise Invalid(f"the name of a key has 1 to {_MAX_NAME} characters")
        if domain_id is not None:
            own = {domain.domain_id for domain in await self._directory.domains(tenant)}
            if domain_id not in own:
                raise NotFound("Domain not found")
        token = new_api_token()
        key = await self._directory.create_api_key(
            tenant,
            new_uuid(),
            name,
            api_token_hash(self._sealer, token),
            permission,
            domain_id,
            self._clock.now(),
        )
        return key, token

    async def keys(self, tenant: TenantId) -> Sequence[ApiKey]:
        """Newest first."""
        return await self._directory.api_keys(tenant)

    async def delete(self, tenant: TenantId, key_id: str) -> None:
        """Raises `NotFound`."""
        await self._directory.delete_api_key(tenant, key_id)
