r"""Play a written SMTP conversation against a session in memory.

# a remark
given: role submission        mx, submission or submissions; mx when nothing is said
given: tls                    the listener has done the handshake
given: sasl                   tokens are taken, over TLS with a certificate of alice@example.org
given: loopback               the peer is on this machine, and settings let it log in in the clear
given: repair                 bare CRs and LFs are repaired
given: NAME NUMBER            a number of SmtpSettings
C: what the client sends      octets may be written as \xNN, \r or \n; `C+:` adds no CRLF
S: what must come back        [TLS] for the handshake, [closed] for the end
S: ...                        skip lines up to the next S: that matches; {...} is any rest
taken: QUOTED                 the content of the message taken last, written as above
protocol: WORD                its `with` keyword
recipients: A, B              who gets it

`C:` lines in a row are sent together, as a pipelining client does.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from postroad.sessions.sasl.exchange import Circumstances, OauthHint, TlsEvidence
from postroad.sessions.smtp.ports import Peer, Tls
from postroad.sessions.smtp.server import CloseConnection, Output, SmtpSession, UpgradeToTls
from postroad.sessions.smtp.settings import BareNewlines, Cleartext, Role, SmtpSettings
from postroad.wire.smtp.replies import Reply
from sessions.smtp.fakes import FakeCore

TLS = Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384")
SETTINGS = SmtpSettings("mx.example.org", max_octets=1000, max_recipients=5, max_errors=10)
_STEP = re.compile(r"(given|C|C\+|S|taken|protocol|recipients):(?: (.*))?\Z")


def octets(text: str) -> bytes:
    """The octets that a line stands for."""
    return (
        text.encode().decode("unicode_escape").encode("latin-1")
        if "\\" in text
        else (text.encode())
    )


class Conversation:
    """One client and the session that serves it."""

    def __init__(self) -> None:
        self.core = FakeCore()
        self.settings = SETTINGS
        self.role = Role.MX
        self.tls: Tls | None = None
        self.is_loopback = False
        self._session: SmtpSession | None = None

    @property
    def session(self) -> SmtpSession:
        if self._session is None:
            self._session = SmtpSession(
                self.settings,
                self.role,
                Peer("127.0.0.1" if self.is_loopback else "192.0.2.7", self.is_loopback),
                reception=self.core,
                authenticator=self.core,
                can_start_tls=True,
                tls=self.tls,
            )
        return self._session

    def prepare(self, text: str) -> None:
        name, _, value = text.partition(" ")
        match name:
            case "role":
                self.role = Role(value)
            case "tls":
                self.tls = TLS
            case "sasl":
                hint = OauthHint("https://mail.example.com/", "")
                self.settings = replace(self.settings, sasl=Circumstances(oauth=hint))
                self.tls = replace(TLS, evidence=TlsEvidence(("alice@example.org",)))
            case "loopback":
                self.is_loopback = True
                self.settings = replace(self.settings, cleartext=Cleartext.LOOPBACK)
            case "repair":
                self.settings = replace(self.settings, bare_newlines=BareNewlines.REPAIR)
            case _:
                self.settings = replace(self.settings, **{name: int(value)})  # type: ignore[arg-type]  # a number by name

    async def send(self, sent: bytes, *, piece: int = 0) -> list[str]:
        """The lines that come back; `piece` cuts what is sent into pieces of so many octets."""
        lines: list[str] = []
        size = piece or max(len(sent), 1)
        for start in range(0, len(sent), size):
            async for output in self.session.receive(sent[start : start + size]):
                lines += self._lines(output)
        return lines

    def _lines(self, output: Output) -> list[str]:
        match output:
            case Reply():
                return output.encode().decode().split("\r\n")[:-1]
            case UpgradeToTls():
                self.session.tls_started(TLS)
                return ["[TLS]"]
            case CloseConnection():
                return ["[closed]"]


async def play(path: Path, *, piece: int = 0) -> None:
    """Raises `AssertionError` with the place of the first line that differs."""
    conversation = Conversation()
    unsent = b""
    lines: list[str] = []
    skipping = False
    for where, verb, rest in _steps(path):
        if verb.startswith("C"):
            assert not lines or skipping, f"{where}: nobody expected {lines[0]!r}"
            skipping = False
            unsent += octets(rest) + (b"" if verb == "C+" else b"\r\n")
            continue
        if verb == "given":
            conversation.prepare(rest)
            continue
        if unsent:
            lines = await conversation.send(unsent, piece=piece)
            unsent = b""
        if verb != "S":
            _check_taken(conversation, verb, rest, where)
        elif rest == "...":
            skipping = True
        else:
            while skipping and lines and not _fits(rest, lines[0]):
                lines.pop(0)
            skipping = False
            assert lines, f"{where}: want {rest!r}, got nothing"
            got = lines.pop(0)
            assert _fits(rest, got), f"{where}: want {rest!r}, got {got!r}"
    assert not lines or skipping, f"{path.name}: left over {lines}"
    conversation.session.close()
    assert not conversation.core.open_transactions, f"{path.name}: a transaction was left open"


def _steps(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where each step stands, its verb and the rest of its line."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        match = _STEP.match(text)
        assert match, f"{path.name}:{number}: not a step: {text}"
        yield f"{path.name}:{number}", match[1], match[2] or ""


def _fits(want: str, got: str) -> bool:
    return re.fullmatch(re.escape(want).replace(r"\{\.\.\.\}", ".*"), got) is not None


def _check_taken(conversation: Conversation, verb: str, want: str, where: str) -> None:
    assert conversation.core.taken, f"{where}: no message was taken"
    message = conversation.core.taken[-1]
    got: object
    match verb:
        case "taken":
            got = message.octets
            assert got == octets(want), f"{where}: got {got!r}"
        case "protocol":
            got = message.facts.protocol
            assert got == want, f"{where}: got {got!r}"
        case _:
            got = ", ".join(message.recipients)
            assert got == want, f"{where}: got {got!r}"
