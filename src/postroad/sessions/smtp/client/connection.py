"""A connection to a server: greeting, EHLO, TLS and login, then one message after another."""

from dataclasses import dataclass

from postroad.ports.transport import (
    Attempt,
    Outgoing,
    PermanentFailure,
    Result,
    TemporaryFailure,
    Unsupported,
)
from postroad.sessions.smtp.client import outcomes
from postroad.sessions.smtp.client.delivery import Delivery
from postroad.sessions.smtp.client.dialogue import Dialogue, PeerLost
from postroad.sessions.smtp.client.plan import Capabilities, capabilities_of, plan
from postroad.sessions.smtp.client.ports import Stream, Wait
from postroad.sessions.smtp.client.settings import ClientSettings, TlsPolicy
from postroad.sessions.smtp.ports import Tls
from postroad.wire.sasl.plain import PlainCredentials, encode_plain, encode_response
from postroad.wire.smtp import client as wire


@dataclass(frozen=True, slots=True)
class Ready:
    """Messages can be sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """This server takes nothing from us now; the connection is to be closed.

    With `tls_failed` the handshake was the trouble: the caller may connect again with
    `TlsPolicy.NEVER` where TLS is not required (RFC 3207 section 4.1).
    """

    failure: outcomes.Failure
    tls_failed: bool = False
    transcript: tuple[str, ...] = ()


class SmtpClient:
    """Not for use by two deliveries at once. Trouble is a value; nothing is raised for it."""

    def __init__(
        self,
        stream: Stream,
        settings: ClientSettings,
        *,
        remote: str,
        is_loopback: bool = False,
        tls: Tls | None = None,
    ) -> None:
        self._settings = settings
        self._remote = remote
        self._is_loopback = is_loopback
        self._tls = tls
        self._dialogue = Dialogue(stream)
        self._capabilities: Capabilities = {}
        self._needs_reset = False

    @property
    def is_usable(self) -> bool:
        """Whether another message may be sent on this connection."""
        return self._dialogue.is_usable

    @property
    def tls(self) -> Tls | None:
        return self._tls

    @property
    def capabilities(self) -> Capabilities:
        """What the server announced last."""
        return self._capabilities

    async def open(self) -> Ready | Refused:
        """Greeting, EHLO or HELO, STARTTLS and AUTH, as the settings want."""
        tls_failed = False
        try:
            failure = await self._greet() or await self._hello()
            if failure is None and self._wants_tls():
                try:
                    failure = await self._start_tls()
                except PeerLost:
                    tls_failed = True
                    raise
            failure = failure or await self._log_in()
        except PeerLost as error:
            failure = outcomes.lost(str(error))
            if tls_failed:
                failure = TemporaryFailure(str(error), 0, "4.7.5")
        if failure is None:
            return Ready()
        self._dialogue.is_usable = False
        return Refused(failure, tls_failed, self._dialogue.transcript.take())

    async def send(self, message: Outgoing) -> Attempt:
        """Send one message to its recipients, and say what became of each."""
        results = await self._results(message)
        tls = str(self._tls) if self._tls else ""
        return Attempt(results, self._remote, tls, self._dialogue.transcript.take())

    async def quit(self) -> None:
        """Say goodbye; whatever happens, the caller closes the connection after it."""
        if not self._dialogue.is_usable:
            return
        try:
            await self._dialogue.say(wire.QUIT)
            await self._dialogue.hear(Wait.QUIT)
        except PeerLost:
            pass
        self._dialogue.is_usable = False

    async def _greet(self) -> outcomes.Failure | None:
        reply = await self._dialogue.hear(Wait.GREETING)
        return None if reply.code == 220 else outcomes.failure(reply)

    async def _hello(self) -> outcomes.Failure | None:
        """RFC 5321 section 3.2: HELO for a server that does not know EHLO."""
        await self._dialogue.say(wire.hello("EHLO", self._settings.hostname))
        reply = await self._dialogue.hear()
        if reply.is_positive:
            self._capabilities = capabilities_of(reply)
            return None
        if not reply.is_permanent:
            return outcomes.failure(reply)
        self._capabilities = {}
        await self._dialogue.say(wire.hello("HELO", self._settings.hostname))
        reply = await self._dialogue.hear()
        return None if reply.is_positive else outcomes.failure(reply)

    def _wants_tls(self) -> bool:
        return self._tls is None and self._settings.tls is not TlsPolicy.NEVER

    async def _start_tls(self) -> outcomes.Failure | None:
        is_required = self._settings.tls is TlsPolicy.REQUIRED
        if "STARTTLS" not in self._capabilities:
            return (
                TemporaryFailure("TLS is required, and not offered", 0, "4.7.4")
                if (is_required)
                else None
            )
        await self._dialogue.say(wire.STARTTLS)
        reply = await self._dialogue.hear()
        if reply.code != 220:
            return TemporaryFailure(str(reply), reply.code, "4.7.4") if is_required else None
        self._tls = await self._dialogue.start_tls()
        # What was announced in the clear could be anyone's word (RFC 3207 section 4.2).
        return await self._hello()

    async def _log_in(self) -> TemporaryFailure | None:
        credentials = self._settings.credentials
        if credentials is None:
            return None
        if self._tls is None and not self._is_loopback:
            return TemporaryFailure("a password is not sent without TLS", 0, "4.7.0")
        mechanisms = self._capabilities.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            return await self._plain(credentials)
        if "LOGIN" in mechanisms:
            return await self._login(credentials)
        return TemporaryFailure("the server offers neither AUTH PLAIN nor LOGIN", 0, "4.7.0")

    async def _plain(self, credentials: PlainCredentials) -> TemporaryFailure | None:
        line = wire.auth("PLAIN", encode_plain(credentials))
        await self._dialogue.say_secret(line, "AUTH PLAIN ***")
        reply = await self._dialogue.hear()
        return None if reply.is_positive else outcomes.of_login(reply)

    async def _login(self, credentials: PlainCredentials) -> TemporaryFailure | None:
        await self._dialogue.say(wire.auth("LOGIN"))
        for text in (credentials.authentication_identity, credentials.password.reveal()):
            reply = await self._dialogue.hear()
            if reply.code != 334:
                return outcomes.of_login(reply)
            await self._dialogue.say_secret(encode_response(text) + b"\r\n", "***")
        reply = await self._dialogue.hear()
        return None if reply.is_positive else outcomes.of_login(reply)

    async def _results(self, message: Outgoing) -> list[Result]:
        count = len(message.forward_paths)
        decided = plan(message, self._capabilities)
        if isinstance(decided, Unsupported | PermanentFailure):
            return [decided] * count
        failure = await self._reset_if_needed()
        if failure is not None:
            return [failure] * count
        delivery = Delivery(
            self._dialogue, message, decided, pipelining="PIPELINING" in self._capabilities
        )
        results = await delivery.run()
        self._needs_reset = delivery.leaves_open
        return results

    async def _reset_if_needed(self) -> TemporaryFailure | None:
        """RSET, but only after a transaction that the server may still hold open."""
        if not self._dialogue.is_usable:
            return outcomes.lost("the connection was closed before")
        if not self._needs_reset:
            return None
        try:
            await self._dialogue.say(wire.RSET)
            reply = await self._dialogue.hear()
        except PeerLost as error:
            return outcomes.lost(str(error))
        self._needs_reset = False
        return None if reply.is_positive else TemporaryFailure(str(reply), reply.code, "4.5.0")
