"""The server's side: sessions over the SQLite store as two processes would have them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

from core.search.world import Inline
from postroad.adapters.bus.local import LocalBus
from postroad.adapters.memory.blobs import MemoryBlobStore
from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.queue.store import SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.system.clock import SystemClock
from postroad.base.identifiers import new_uuid
from postroad.base.secret import Secret
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.service import Authenticator
from postroad.core.mailbox.append import Appending
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.metadata import Annotations
from postroad.core.mailbox.quota import Quotas
from postroad.core.mailbox.reach import Reach
from postroad.core.mailbox.service import MailboxLimits, MailboxService
from postroad.core.mailbox.sharing import Sharing
from postroad.core.mailbox.urlauth import UrlAuthority
from postroad.core.search.service import TextSearch
from postroad.model.directory import Role
from postroad.model.ids import AccountId
from postroad.model.metadata import AnnotationLimits
from postroad.model.principal import Principal
from postroad.sessions.imap.feature import Services
from postroad.sessions.imap.session import CloseConnection, ImapSession, Output
from postroad.sessions.imap.settings import Peer
from postroad.stores.directory import NewAccount
from postroad.wire.imap.responses import Response
from sessions.imap.clients import SETTINGS
from sessions.imap.memory import ALICE
from stores.making import NOW

# A tenant's sending account is the first account of a database.
ACCOUNT = replace(ALICE, account_id=AccountId(2))


async def found(path: Path) -> None:
    """A database with Alice in it, to be copied."""
    migrate(path)
    engine = SqliteEngine(path)
    directory = SqlDirectoryStore(engine)
    tenant = await directory.create_tenant("house", NOW)
    await directory.create_domain(tenant.tenant_id, new_uuid(), "example.org", (), NOW)
    new = NewAccount(
        tenant.tenant_id, "alice@example.org", "", Role.MEMBER, None, [("INBOX", None)]
    )
    account = await directory.create_account(new, NOW)
    assert account.account_id == ACCOUNT.account_id
    await engine.close()


class OpenDoor:
    """Everybody is Alice."""

    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        return Principal(ACCOUNT, "1")


class Server:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._blobs = MemoryBlobStore()
        self.start()

    def start(self) -> None:
        self._engine = SqliteEngine(self._path, readers=1)
        self.mail = SqlMailStore(self._engine)
        self.references = SqlReferenceStore(self._engine)
        self._directory = SqlDirectoryStore(self._engine)
        self._processes = [self._services(2**20), self._services(1)]  # the second forgets at once

    async def stop(self) -> None:
        await self._engine.close()

    def _services(self, max_octets: int) -> Services:
        bus, cache = LocalBus(), SnapshotCache(self.mail, max_octets)
        sharing = SqlSharingStore(self._engine)
        reach = Reach(self.mail, sharing)
        # Slices are small, so that MOVE and EXPUNGE of a few messages have several.
        limits = MailboxLimits(slice_messages=3, slice_flags=4)
        spools = SpoolFolder(self._path.parent, SpoolSettings(min_free_octets=0))
        return Services(
            cast("Authenticator", OpenDoor()),  # it has what the session asks of one
            reach,
            Sharing(reach, sharing, self._directory, bus),
            MailboxService(self.mail, self._blobs, bus, cache, limits),
            Appending(
                self.mail, self._blobs, spools, bus, Inline(), SystemClock(), max_octets=10_000
            ),
            TextSearch(self.mail, self._blobs, cache, Inline(), None),
            Annotations(
                reach, SqlMetadataStore(self._engine), self._directory, bus, AnnotationLimits()
            ),
            Quotas(self.mail, self._directory),
            UrlAuthority(reach, SqlUrlKeyStore(self._engine), self._directory, Sealer(bytes(32))),
        )

    def connect(self, number: int) -> ImapSession:
        services = self._processes[number % 2]
        return ImapSession(
            SETTINGS, Peer("192.0.2.1"), services, has_tls=True, can_start_tls=False
        )


async def said(outputs: AsyncIterator[Output]) -> bytes:
    """All octets of some responses."""
    sent = []
    async for output in outputs:
        if not isinstance(output, CloseConnection):
            sent.append(cast("Response", output).encode())  # no other signal is asked for
    return b"".join(sent)
