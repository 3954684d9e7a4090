"""What accounts may hold: who may see that, and who may change it (RFC 9208)."""

from postroad.base.errors import NotFound, NotPermitted
from postroad.formats.mailaddress import normalise_address
from postroad.model.directory import Account, Role
from postroad.model.ids import AccountId
from postroad.model.quota import Quota, QuotaLimits
from postroad.model.sharing import Viewer
from postroad.stores.directory import DirectoryStore
from postroad.stores.mail import MailStore

_MAY_SET = frozenset((Role.OWNER, Role.ADMIN))


class Quotas:
    """Each account has one quota. Only owners and admins of its tenant change it.

    Roles are read on each use: whoever lost one cannot go on with an old session.
    """

    def __init__(self, store: MailStore, directory: DirectoryStore) -> None:
        self._store = store
        self._directory = directory

    async def own(self, account: AccountId) -> Quota:
        return await self._store.quota(account)

    async def of(self, viewer: Viewer, address: str) -> Quota:
        """Of somebody, who is not told of to those who may not see it. Raises `NotFound`."""
        return await self._store.quota((await self._find(viewer, address)).account_id)

    async def change(self, viewer: Viewer, address: str | None, limits: QuotaLimits) -> Quota:
        """Put other limits in the place of all there are; None is the viewer's own account.

        Raises `NotPermitted`, whether there is such an account or not, and `NotFound`.
        """
        asking = await self._directory.load_account(viewer.account)
        if asking.role not in _MAY_SET:
            raise NotPermitted("only owners and admins change what accounts may hold")
        found = asking if address is None else await self._find(viewer, address)
        await self._directory.set_account_quota(found.account_id, limits)
        return await self._store.quota(found.account_id)

    async def _find(self, viewer: Viewer, address: str) -> Account:
        asking = await self._directory.load_account(viewer.account)
        found = await self._directory.find_account(normalise_address(address))
        if found is None or found.tenant_id != viewer.tenant or not found.is_person:
            raise NotFound("there is no such quota root")
        if found.account_id != viewer.account and asking.role not in _MAY_SET:
            raise NotFound("there is no such quota root")
        return found
