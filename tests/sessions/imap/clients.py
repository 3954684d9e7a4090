"""Clients of one account in memory; no sockets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import cast

from core.house import Watch
from core.search.world import Inline
from postroad.adapters.bus.local import LocalBus
from postroad.adapters.memory.directory import MemoryDirectoryStore
from postroad.adapters.memory.metadata import MemoryMetadataStore
from postroad.adapters.memory.sharing import MemorySharingStore
from postroad.adapters.memory.urlkeys import MemoryUrlKeyStore
from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings
from postroad.base.errors import AuthenticationFailed, NotAuthorised
from postroad.base.moments import after
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
from postroad.model.ids import MailboxName
from postroad.model.mailbox import Flags, SpecialUse
from postroad.model.metadata import AnnotationLimits
from postroad.model.principal import Principal
from postroad.model.quota import QuotaLimits
from postroad.model.sharing import Viewer
from postroad.model.workarounds import Workaround
from postroad.sessions.imap.feature import Services
from postroad.sessions.imap.session import (
    CloseConnection,
    ImapSession,
    StartCompression,
    StopCompression,
    UpgradeToTls,
)
from postroad.sessions.imap.settings import ImapSettings, Peer
from postroad.sessions.sasl.exchange import (
    NO_EVIDENCE,
    Circumstances,
    OauthHint,
    TlsEvidence,
)
from sessions.imap.memory import ALICE, NOW, MemoryMail
from sessions.imap.messages import MESSAGES

VIEWER = Viewer(ALICE.account_id, ALICE.tenant_id)
SETTINGS = ImapSettings("mail.example.org", max_append_octets=100_000, max_literal_octets=1000)
A_DAY = timedelta(days=1)


class MemoryAuthenticator:
    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        if name != ALICE.address or password.reveal() != "secret":
            raise AuthenticationFailed("the name or the password is wrong")
        return Principal(ALICE, "1")

    async def bearer(self, token: Secret, name: str, *, protocol: str, peer: str) -> Principal:
        """The token of RFC 7628 section 4.1."""
        if token.reveal() != "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==":
            raise AuthenticationFailed("the name or the password is wrong")
        return Principal(ALICE, "oauth")

    async def certified(
        self, addresses: Sequence[str], name: str, *, protocol: str, peer: str
    ) -> Principal:
        if name and name not in addresses:
            raise NotAuthorised("the certificate is of somebody else")
        return Principal(ALICE, "certificate")


class Clients:
    """All clients log in by themselves, except in conversations that say ``given: no login``."""

    def __init__(self) -> None:
        self.mail = store = MemoryMail()
        state, blobs, bus = store.state, store.blobs, LocalBus()
        directory, sharing = MemoryDirectoryStore(state), MemorySharingStore(state)
        cache, tasks, clock = SnapshotCache(store), Inline(), Watch()
        clock.at = NOW
        # Its files have no names: nothing is left there.
        spools = SpoolFolder(Path(gettempdir()), SpoolSettings(min_free_octets=0))
        reach = Reach(store, sharing)
        self.services = Services(
            cast("Authenticator", MemoryAuthenticator()),  # it has what the session asks of one
            reach,
            Sharing(reach, sharing, directory, bus),
            MailboxService(store, blobs, bus, cache, MailboxLimits()),
            Appending(
                store, blobs, spools, bus, tasks, clock, max_octets=SETTINGS.max_append_octets
            ),
            TextSearch(store, blobs, cache, tasks),
            Annotations(reach, MemoryMetadataStore(state), directory, bus, AnnotationLimits()),
            Quotas(store, directory),
            UrlAuthority(reach, MemoryUrlKeyStore(state), directory, Sealer(bytes(32))),
            now=lambda: after(NOW, A_DAY),
        )
        self.sessions: dict[str, ImapSession] = {}
        self.settings = SETTINGS
        self.has_tls = True
        self.evidence = NO_EVIDENCE
        self.logs_in = True

    async def prepare(self, text: str) -> None:
        """Unless told so, another session knew of what is there already."""
        if not (is_new := text == "new messages"):
            await self._prepare(text)
        for box in self.mail.owner.boxes.values():
            box.first_recent = 1 if is_new else box.uid_next

    async def _prepare(self, text: str) -> None:
        match text.split():
            case ["mailbox", name, *rest]:
                await self._mailbox(MailboxName(name), *rest)
            case ["message", name, what, *flags]:
                system = Flags.NONE
                for flag in flags:
                    system |= Flags[flag.upper()]
                await self.mail.put(self.mail.box(name).mailbox_id, MESSAGES[what], system)
            case ["quota", *limits]:
                self.mail.owner.limits = QuotaLimits(*map(int, limits))
            case ["no", "login" | "tls" as what]:
                self.logs_in = False
                self.has_tls = what != "tls"
            case ["old", "rows", *_]:  # of the messages so far
                self.mail.age_rows()
            case ["forgotten", "changes"]:
                self.mail.forget_changes()
            case _:
                self._prepare_settings(text)

    def _prepare_settings(self, text: str) -> None:
        match text.split():
            case ["sasl"]:  # tokens, and a certificate of alice
                hint = OauthHint(
                    "example_scope", "https://example.com/.well-known/openid-configuration"
                )
                self.settings = replace(SETTINGS, sasl=Circumstances(oauth=hint))
                self.evidence = TlsEvidence((ALICE.address,))
            case ["utf8", "only"]:
                self.settings = replace(self.settings, utf8_only=True)
            case ["workaround", name]:
                self.settings = replace(self.settings, workarounds=frozenset({Workaround(name)}))
            case _:
                raise AssertionError(f"not a preparation: {text}")

    async def _mailbox(self, name: MailboxName, count: str = "0", use: str = "") -> None:
        special_use = SpecialUse(f"\\{use}") if use else None
        made = await self.mail.create_mailbox(ALICE.account_id, name, special_use)
        for _ in range(int(count)):
            await self.mail.put(made.mailbox_id, MESSAGES["small"])

    async def send(self, client: str, octets: bytes) -> dict[str, bytes]:
        """Send as one client; clients that listen hear the news."""
        session = await self.session(client)
        received = {client: await self._receive(session, octets)}
        for name, other in self.sessions.items():
            if other.listens_to and name != client:
                outputs = [output async for output in other.news()]
                received[name] = b"".join(
                    output.encode()
                    for output in outputs
                    if not isinstance(
                        output,
                        UpgradeToTls | StartCompression | StopCompression | CloseConnection,
                    )
                )
        return received

    async def session(self, client: str) -> ImapSession:
        if client not in self.sessions:
            peer = Peer("192.0.2.1")
            session = self.sessions[client] = ImapSession(
                self.settings,
                peer,
                self.services,
                has_tls=self.has_tls,
                can_start_tls=True,
                evidence=self.evidence,
            )
            if self.logs_in:
                await self._receive(session, b"a LOGIN alice@example.org secret\r\n")
        return self.sessions[client]

    async def _receive(self, session: ImapSession, octets: bytes) -> bytes:
        sent = b""
        async for output in session.receive(octets):
            if isinstance(output, UpgradeToTls):
                session.tls_started()
            elif isinstance(output, StartCompression | StopCompression):
                # Transcripts are read by people: the octets stay as they are.
                sent += await self._receive(session, session.compression_changed())
            elif isinstance(output, CloseConnection):
                sent += b"(closed)\r\n"
            else:
                sent += output.encode()
        return sent
