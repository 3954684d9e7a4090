"""Several people with clients, on the stores in memory or others: conversations about sharing.

Client 1 is Alice, 2 Bob, 3 Carol, all of one tenant, 5 and 6 other programs of Bob and
Alice; 4 is Eve, of
another one. ``info@example.test`` is a shared account.
"""

from dataclasses import replace
from pathlib import Path
from typing import cast

from core.search.world import Inline
from postroad.adapters.bus.local import LocalBus
from postroad.adapters.memory.blobs import MemoryBlobStore
from postroad.adapters.memory.directory import MemoryDirectoryStore
from postroad.adapters.memory.mail import MemoryMailStore
from postroad.adapters.memory.metadata import MemoryMetadataStore
from postroad.adapters.memory.sharing import MemorySharingStore
from postroad.adapters.memory.state import MemoryState
from postroad.adapters.memory.urlkeys import MemoryUrlKeyStore
from postroad.adapters.memory.virtual import MemoryVirtualStore
from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.adapters.system.clock import SystemClock
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
from postroad.core.mailbox.virtual import VirtualMailboxes
from postroad.core.message.prepared import new_email
from postroad.core.search.service import TextSearch
from postroad.formats.mime.prepare import prepare
from postroad.model.directory import Account, Role
from postroad.model.ids import MailboxName, Uid
from postroad.model.mailbox import Flags, SpecialUse
from postroad.model.metadata import AnnotationLimits
from postroad.model.principal import Principal
from postroad.model.quota import QuotaLimits
from postroad.model.sharing import Viewer
from postroad.model.virtual import NewVirtual
from postroad.sessions.imap.feature import Services
from postroad.sessions.imap.saved import SavedSearches
from postroad.sessions.imap.session import CloseConnection, ImapSession, Output
from postroad.sessions.imap.settings import ImapSettings, Peer
from postroad.stores.directory import DirectoryStore, NewAccount
from postroad.stores.mail import MailStore
from postroad.stores.metadata import MetadataStore
from postroad.stores.sharing import SharingStore
from postroad.stores.urlkeys import UrlKeyStore
from postroad.stores.virtual import VirtualStore
from postroad.wire.imap.acl import parse_modification
from postroad.wire.imap.responses import Response
from sessions.imap.memory import NOW
from sessions.imap.messages import MESSAGES

PEOPLE = {"1": "alice@example.test", "2": "bob@example.test", "3": "carol@example.test",
          "4": "eve@other.test", "5": "bob@example.test", "6": "alice@example.test"}  # fmt: skip
SETTINGS = ImapSettings("mail.example.test", max_append_octets=100_000)


class OpenDoor:
    """The name is enough."""

    def __init__(self, people: dict[str, Account]) -> None:
        self._people = people

    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        return Principal(self._people[name], "1")


Stores = tuple[MailStore, DirectoryStore, SharingStore, MetadataStore, UrlKeyStore, VirtualStore]


def in_memory() -> Stores:
    state = MemoryState()
    return (
        MemoryMailStore(state),
        MemoryDirectoryStore(state),
        MemorySharingStore(state),
        MemoryMetadataStore(state),
        MemoryUrlKeyStore(state),
        MemoryVirtualStore(state),
    )


def in_sql(engine: Engine) -> Stores:
    return (
        SqlMailStore(engine),
        SqlDirectoryStore(engine),
        SqlSharingStore(engine),
        SqlMetadataStore(engine),
        SqlUrlKeyStore(engine),
        SqlVirtualStore(engine),
    )


class Neighbours:
    def __init__(self, folder: Path, stores: Stores | None = None) -> None:
        all_of_them = stores or in_memory()
        self.mail, self.directory, self.store, self.metadata = all_of_them[:4]
        self.url_keys, self.virtual = all_of_them[4:]
        self.blobs, self.bus = MemoryBlobStore(), LocalBus()
        self.people: dict[str, Account] = {}
        self.sessions: dict[str, ImapSession] = {}
        self._folder = folder
        self._private = True
        self._shows_virtual = False
        self._settings = SETTINGS

    async def move_in(self) -> "Neighbours":
        for name in dict.fromkeys([*PEOPLE.values(), "info@example.test"]):
            domain = name.rpartition("@")[2]
            tenant = await self.directory.create_tenant(domain, NOW)
            if await self.directory.find_domain(domain) is None:
                await self.directory.create_domain(tenant.tenant_id, domain, domain, (), NOW)
            role = Role.ADMIN if name.startswith("alice@") else Role.MEMBER
            boxes = [("INBOX", None), ("Sent", SpecialUse.SENT)]
            new = NewAccount(
                tenant.tenant_id, name, "", role, None, boxes, name.startswith("info@")
            )
            self.people[name] = await self.directory.create_account(new, NOW)
        self._serve()
        return self

    def resume(self, before: "Neighbours") -> "Neighbours":
        """The same people, after a restart of the server."""
        self.people, self.blobs = before.people, before.blobs
        self._serve()
        return self

    def _serve(self) -> None:
        cache, tasks = SnapshotCache(self.mail), Inline()
        search = TextSearch(self.mail, self.blobs, cache, tasks, None)
        common = self.mail, self.blobs, self.bus, cache, MailboxLimits(slice_messages=2)
        virtual = None
        if self._shows_virtual:
            searches = SavedSearches(MailboxService(*common), search, SystemClock().now)
            virtual = VirtualMailboxes(self.virtual, self.mail, searches)
        reach = Reach(self.mail, self.store, private_seen=self._private, virtual=virtual)
        self.sharing = Sharing(reach, self.store, self.directory, self.bus)
        spools = SpoolFolder(self._folder, SpoolSettings(min_free_octets=0))
        self.services = Services(
            cast("Authenticator", OpenDoor(self.people)),  # it has what the session asks of one
            reach,
            self.sharing,
            MailboxService(*common, virtual),
            Appending(
                self.mail, self.blobs, spools, self.bus, tasks, SystemClock(), max_octets=100_000
            ),
            search,
            Annotations(
                reach,
                self.metadata,
                self.directory,
                self.bus,
                AnnotationLimits(value_octets=1024, entries=10, octets=4096),
            ),
            Quotas(self.mail, self.directory),
            UrlAuthority(reach, self.url_keys, self.directory, Sealer(bytes(32))),
        )

    def viewer(self, address: str) -> Viewer:
        account = self.people[address]
        return Viewer(account.account_id, account.tenant_id)

    async def prepare(self, text: str) -> None:
        match text.split():
            case ["mailbox", address, name]:
                account = self.people[address].account_id
                await self.mail.create_mailbox(account, MailboxName(name), None)
            case ["message", address, name, what, *flags]:
                await self._message(address, name, what, flags)
            case ["acl", address, name, identifier, rights]:
                change = parse_modification(rights)
                await self.sharing.change(
                    self.viewer(address), MailboxName(name), identifier, *change
                )
            case ["quota", address, octets]:
                account = self.people[address].account_id
                await self.directory.set_account_quota(account, QuotaLimits(int(octets)))
            case ["gmail"]:
                self._settings = replace(SETTINGS, gmail=True)
            case ["use", address, name, use]:
                account = self.people[address].account_id
                await self.mail.create_mailbox(account, MailboxName(name), SpecialUse(f"\\{use}"))
            case ["virtual", "mailboxes"]:
                self._shows_virtual = True
                self._serve()
            case ["saved", address, name, *keys]:
                account = self.people[address].account_id
                await self.virtual.create_virtual(account, NewVirtual(name, " ".join(keys)))
            case ["shared", "seen"]:
                self._private = False
                self._serve()
            case _:
                raise AssertionError(f"not a preparation: {text}")

    async def _message(self, address: str, name: str, what: str, flags: list[str]) -> None:
        account = self.people[address].account_id
        found = await self.mail.find_mailbox(account, MailboxName(name))
        assert found is not None
        system = Flags.NONE
        for flag in flags:
            system |= Flags[flag.upper()]
        blob_id = await self.blobs.put([MESSAGES[what]])
        email = new_email(prepare(MESSAGES[what]), blob_id, NOW, None)
        await self.mail.append(account, found.mailbox_id, [(email, system, frozenset())])
        # Another session was told of it.
        after = Uid(found.uid_next + 1)
        await self.mail.claim_recent(account, found.mailbox_id, after)

    async def send(self, client: str, octets: bytes) -> dict[str, bytes]:
        """Send as one client; clients that listen hear the news."""
        if client not in self.sessions:
            self.sessions[client] = ImapSession(
                self._settings, Peer("192.0.2.1"), self.services, has_tls=True, can_start_tls=False
            )
            await self._receive(client, b"a LOGIN %b x\r\n" % PEOPLE[client].encode())
        received = {client: await self._receive(client, octets)}
        for name, other in self.sessions.items():
            if other.listens_to and name != client:
                received[name] = b"".join([_octets(output) async for output in other.news()])
        return received

    async def ask(self, client: str, text: str) -> str:
        """The answer to one command, or to a line of one."""
        return (await self.send(client, text.encode() + b"\r\n"))[client].decode()

    async def _receive(self, client: str, octets: bytes) -> bytes:
        return b"".join([_octets(out) async for out in self.sessions[client].receive(octets)])


def _octets(output: Output) -> bytes:
    if isinstance(output, CloseConnection):
        return b"(closed)\r\n"
    return cast("Response", output).encode()  # no other signal is asked for
