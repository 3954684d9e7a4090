"""Clients of IMAP and SMTP that log in by SASL, at sessions over the core's own door."""

from abc import abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Protocol, cast

from postroad.core.mailbox.append import Appending
from postroad.core.mailbox.metadata import Annotations
from postroad.core.mailbox.quota import Quotas
from postroad.core.mailbox.reach import Reach
from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.sharing import Sharing
from postroad.core.mailbox.urlauth import UrlAuthority
from postroad.core.search.service import TextSearch
from postroad.model.principal import Principal
from postroad.sessions.imap.feature import Services
from postroad.sessions.imap.session import CloseConnection, ImapSession
from postroad.sessions.imap.settings import ImapSettings
from postroad.sessions.imap.settings import Peer as ImapPeer
from postroad.sessions.sasl.exchange import Authenticator, Circumstances
from postroad.sessions.smtp.ports import Peer, Reception, Tls
from postroad.sessions.smtp.server import SmtpSession
from postroad.sessions.smtp.settings import Role, SmtpSettings
from postroad.wire.imap.responses import Response
from postroad.wire.smtp.replies import Reply

PEER = "192.0.2.1"
Respond = Callable[[bytes], bytes | None]
"""Gives the response to a challenge; None gives up."""


def always(response: bytes | None) -> Respond:
    return lambda _: response


class Client(Protocol):
    principal: Principal | None

    @abstractmethod
    async def announced(self) -> set[str]:
        """The mechanisms."""
        ...

    @abstractmethod
    async def say(self, line: str) -> list[str]:
        """The lines that come back, without those of no interest here."""
        ...

    @abstractmethod
    def begins(self, mechanism: str) -> str: ...

    @abstractmethod
    def challenge(self, line: str) -> str | None:
        """What is asked, None if it is an end."""
        ...

    async def log_in(self, mechanism: str, respond: Respond, *, at_once: bool = False) -> str:
        """The last line; `at_once` sends an initial response."""
        command = self.begins(mechanism)
        if at_once:
            command += " " + (_encoded(respond(b"")) or "=")
        lines = await self.say(command)
        while (asked := self.challenge(lines[-1])) is not None:
            response = respond(b64decode(asked, validate=True))
            lines = await self.say(_encoded(response))
        return lines[-1]


def _encoded(response: bytes | None) -> str:
    return "*" if response is None else b64encode(response).decode()


class ImapClient(Client):
    def __init__(self, authenticator: Authenticator, circumstances: Circumstances) -> None:
        services = Services(
            authenticator,
            cast(Reach, None),  # logging in asks for none of these
            cast(Sharing, None),
            cast(MailboxService, None),
            cast(Appending, None),
            cast(TextSearch, None),
            cast(Annotations, None),
            cast(Quotas, None),
            cast(UrlAuthority, None),
        )
        settings = ImapSettings("mail.example.test", sasl=circumstances)
        self._session = ImapSession(
            settings,
            ImapPeer(PEER),
            services,
            has_tls=True,
            can_start_tls=False,
            evidence=circumstances.evidence,
        )

    @property
    def principal(self) -> Principal | None:  # type: ignore[override]  # it is read only
        return self._session.principal

    async def announced(self) -> set[str]:
        line, _ = await self.say("a CAPABILITY")
        return {word[5:] for word in line.split() if word.startswith("AUTH=")}

    def begins(self, mechanism: str) -> str:
        return f"a AUTHENTICATE {mechanism}"

    async def say(self, line: str) -> list[str]:
        received = b""
        async for output in self._session.receive(line.encode() + b"\r\n"):
            if not isinstance(output, CloseConnection):
                received += cast(Response, output).encode()
        return received.decode().split("\r\n")[:-1]

    def challenge(self, line: str) -> str | None:
        return line[2:] if line.startswith("+ ") else None


class SmtpClient(Client):
    def __init__(self, authenticator: Authenticator, circumstances: Circumstances) -> None:
        self._session = SmtpSession(
            SmtpSettings("mail.example.test", sasl=circumstances),
            Role.SUBMISSIONS,
            Peer(PEER),
            reception=cast(Reception, None),  # no mail is sent
            authenticator=authenticator,
            can_start_tls=False,
            tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", circumstances.evidence),
        )
        self._greeted = False

    @property
    def principal(self) -> Principal | None:  # type: ignore[override]  # it is read only
        return self._session.principal

    async def announced(self) -> set[str]:
        lines = await self.say("EHLO client.example")
        (auth,) = [line for line in lines if line[4:].startswith("AUTH ")]
        return set(auth[9:].split())

    def begins(self, mechanism: str) -> str:
        return f"AUTH {mechanism}"

    async def say(self, line: str) -> list[str]:
        if not self._greeted:
            self._greeted = True
            await self.say("EHLO client.example")
        received = b""
        async for output in self._session.receive(line.encode() + b"\r\n"):
            if isinstance(output, Reply):
                received += output.encode()
        return received.decode().split("\r\n")[:-1]

    def challenge(self, line: str) -> str | None:
        return line[4:] if line.startswith("334 ") else None


CLIENTS: dict[str, Callable[[Authenticator, Circumstances], Client]] = {
    "imap": ImapClient,
    "smtp": SmtpClient,
}
IS_IN = {"imap": "a OK ", "smtp": "235 2.7.0 "}
IS_REFUSED = {"imap": "a NO [AUTHENTICATIONFAILED] ", "smtp": "535 5.7.8 "}
IS_FOR_ANOTHER = {"imap": "a NO [AUTHORIZATIONFAILED] ", "smtp": "535 5.7.8 "}
IS_MALFORMED = {"imap": "a BAD ", "smtp": "501 5.5.2 "}
IS_CANCELLED = {"imap": "a BAD ", "smtp": "501 5.7.0 "}
IS_UNKNOWN = {"imap": "a NO [CANNOT] ", "smtp": "504 5.5.4 "}
IS_TOO_LONG = {"imap": "a BAD ", "smtp": "500 5.5.6 "}
MUST_WAIT = {"imap": "a NO [UNAVAILABLE] ", "smtp": "454 4.7.0 "}
