"""URLs that let others read one message (RFC 4467): made, proven and taken back.

The token is a keyed hash of the URL, with a key of the viewer for that mailbox and the server's
master key, so that a copy of the database makes no URLs.
"""

import hmac
import secrets

from postroad.base.errors import MailError, NotFound
from postroad.core.auth.sealing import Sealer
from postroad.core.mailbox.reach import Reach
from postroad.model.ids import MailboxName
from postroad.model.sharing import Place, Rights, Viewer
from postroad.stores.directory import DirectoryStore
from postroad.stores.urlkeys import UrlKeyStore

MECHANISM = "INTERNAL"
_PURPOSE = "urlauth"
_ALGORITHM = "01"  # RFC 4467 section 2.4.1: the token says how it was made
_SECRET_OCTETS = 16


class UrlAuthority:
    def __init__(
        self, reach: Reach, store: UrlKeyStore, directory: DirectoryStore, sealer: Sealer
    ) -> None:
        self._reach = reach
        self._store = store
        self._directory = directory
        self._sealer = sealer

    async def token(self, viewer: Viewer, name: MailboxName, rump: bytes) -> str:
        """What proves `rump`, the URL without it. Raises `NotFound`."""
        place = await self._reach.find(viewer, name)
        fresh = secrets.token_bytes(_SECRET_OCTETS)
        mailbox = place.mailbox.mailbox_id
        secret = await self._store.keep(viewer, place.owner, mailbox, fresh)
        return self._token(secret, rump)

    async def proven(
        self, asking: Viewer, address: str, name: MailboxName, rump: bytes, token: str
    ) -> Place | None:
        """The mailbox, as the person at `address` reaches it now, if the token is right.

        Everything that is wrong gives None after the same work (RFC 4467 section 6).
        """
        place, secret = await self._key(asking, address, name)
        wanted = self._token(secret or secrets.token_bytes(_SECRET_OCTETS), rump)
        is_right = hmac.compare_digest(wanted.encode(), token.lower().encode())
        return place if is_right and secret is not None else None

    async def renew(self, viewer: Viewer, name: MailboxName) -> None:
        """Another key for a mailbox: what was made with the old one is void. Raises `NotFound`."""
        place = await self._reach.find(viewer, name)
        fresh = secrets.token_bytes(_SECRET_OCTETS)
        await self._store.replace(viewer, place.owner, place.mailbox.mailbox_id, fresh)

    async def revoke(self, viewer: Viewer) -> None:
        """All that the viewer made is void."""
        await self._store.forget(viewer)

    async def _key(
        self, asking: Viewer, address: str, name: MailboxName
    ) -> tuple[Place | None, bytes | None]:
        account = await self._directory.find_account(address)
        if account is None or account.disabled or account.tenant_id != asking.tenant:
            return None, None
        viewer = Viewer(account.account_id, account.tenant_id)
        try:
            place = await self._reach.find(viewer, name)
        except NotFound:
            return None, None
        except MailError as error:
            if error.temporary:
                raise
            return None, None
        if Rights.READ not in place.rights:
            return None, None
        return place, await self._store.find(viewer, place.owner, place.mailbox.mailbox_id)

    def _token(self, secret: bytes, rump: bytes) -> str:
        # Both keys have a fixed length, so no two pairs make the same octets.
        return _ALGORITHM + self._sealer.keyed_hash(_PURPOSE, secret + rump).hex()
