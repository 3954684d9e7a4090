"""One client's IMAP session: which command is meant, whether it may run, how it ends.

The driver writes what `greet` and `receive` give, in order; at `UpgradeToTls` it does the
handshake and calls `tls_started`; at `StartCompression` and `StopCompression` it calls
`compression_changed`; at `CloseConnection` it closes; at the end, however it comes, it calls
`close`. While `listens_to` names accounts it listens to the bus, and writes what `news` gives
each time it is woken: an idle session needs neither a task nor a generator of its own.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from postroad.base.errors import MailError
from postroad.base.phrases import phrase, said_by
from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.model.workarounds import Workaround
from postroad.sessions.imap.commands import FEATURES, capabilities
from postroad.sessions.imap.errors import bad_code, code_of, reply_to, words_of
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    AnyFeature,
    Context,
    Done,
    Next,
    Replies,
    Services,
    Stream,
    UidRequired,
    Utf8Required,
)
from postroad.sessions.imap.languages import DEFAULT
from postroad.sessions.imap.news import between_commands, listens_to, news
from postroad.sessions.imap.progress import still_working
from postroad.sessions.imap.settings import ImapSettings, Peer
from postroad.sessions.sasl.exchange import NO_EVIDENCE, TlsEvidence
from postroad.wire.errors import LimitExceeded, WireError
from postroad.wire.imap import framing
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, Continue, Octets, Response, Status
from postroad.wire.imap.search import CHARSETS, BadCharset
from postroad.wire.imap.utf7 import BadName


@dataclass(frozen=True, slots=True)
class UpgradeToTls:
    """All responses before it are to be written, then comes the handshake."""


@dataclass(frozen=True, slots=True)
class StartCompression:
    """From here on both sides compress; all responses before it are not (RFC 4978 section 3)."""


@dataclass(frozen=True, slots=True)
class StopCompression:
    """From here on neither side does, as before COMPRESS (RFC 8437 section 4.1)."""


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """All responses before it are to be written, then the connection is closed."""


Signal = UpgradeToTls | StartCompression | StopCompression | CloseConnection
Output = Response | Signal
Outputs = AsyncGenerator[Output, None]

_SIGNALS: dict[Next, Signal] = {
    Next.START_TLS: UpgradeToTls(),
    Next.START_COMPRESSION: StartCompression(),
    Next.STOP_COMPRESSION: StopCompression(),
    Next.CLOSE: CloseConnection(),
}
# What a client may say before it enables UTF-8 where it must (RFC 6855 section 6).
_WITHOUT_TEXT = frozenset(
    (
        b"CAPABILITY",
        b"NOOP",
        b"LOGOUT",
        b"ENABLE",
        b"ID",
        b"LANGUAGE",
        b"COMPRESS",
        b"UNAUTHENTICATE",
    )
)
_FEATURES = {feature.name: feature for feature in FEATURES}


class ImapSession:
    """One connection. `has_tls` is given when the listener has done the handshake already."""

    def __init__(
        self,
        settings: ImapSettings,
        peer: Peer,
        services: Services,
        *,
        has_tls: bool,
        can_start_tls: bool,
        evidence: TlsEvidence = NO_EVIDENCE,
    ) -> None:
        self._context = Context(
            services, settings, peer, has_tls, can_start_tls, capabilities, evidence
        )
        self._receiver = framing.CommandReceiver(
            max_line=settings.max_line_octets,
            max_literals=settings.max_literal_octets,
            literal_minus=settings.literal_minus,
        )
        self._bad_commands = 0
        # A command is being carried out, and what was given so far ends with a whole response.
        self._may_tell = False
        # The command that `Context.pending` belongs to.
        self._waiting: tuple[bytes, AnyFeature] | None = None
        # At most one of the two is set while a literal is streamed.
        self._stream: Stream | None = None
        self._refused: Status | None = None

    @property
    def principal(self) -> Principal | None:
        """Who logged in."""
        return self._context.principal

    @property
    def was_used(self) -> bool:
        """Whether somebody logged in, if only to leave again with UNAUTHENTICATE."""
        return self._context.was_used

    @property
    def is_receiving(self) -> bool:
        """Whether the client is in the middle of a message."""
        return self._stream is not None

    @property
    def listens_to(self) -> frozenset[AccountId]:
        """The accounts whose changes the client waits for: in IDLE, or after NOTIFY."""
        return listens_to(self._context)

    def greet(self) -> Response:
        """The greeting (RFC 9051 section 7.1.1)."""
        code = b"CAPABILITY " + b" ".join(capabilities(self._context))
        return Status(
            Condition.OK,
            phrase("{hostname} is ready", hostname=self._context.settings.hostname),
            code,
        )

    async def receive(self, octets: bytes) -> Outputs:
        """Everything to send because of `octets`. Close the iterator if it is not used up."""
        self._receiver.feed(octets)
        try:
            while self._context.next is Next.READ:
                if (event := self._receiver.next_event()) is None:
                    return
                async with aclosing(self._take(event)) as replies:
                    async for reply in replies:
                        yield self._spoken(reply)
        except LimitExceeded as error:
            yield self._bye(phrase("Too much: {error}", error=said_by(error)), b"TOOBIG")
            self._context.next = Next.CLOSE
        yield _SIGNALS[self._context.next]

    async def news(self) -> Outputs:
        """What changed; to be called while `listens_to` names somebody, between commands."""
        if self._stream is not None:
            return  # it is told when the command ends
        async with aclosing(between_commands(self._context)) as replies:
            async for reply in replies:
                if not isinstance(reply, Done):
                    yield self._spoken(reply)
        if self._context.next is Next.CLOSE:
            yield CloseConnection()

    def tls_started(self, evidence: TlsEvidence = NO_EVIDENCE) -> None:
        """The handshake is done: what came before it is forgotten (RFC 9051 section 6.2.1)."""
        self._receiver.forget()
        self._context.has_tls = True
        # Security: somebody between may have chosen it (RFC 5255 section 7).
        self._context.language = DEFAULT
        self._context.evidence = evidence
        self._context.next = Next.READ

    def compression_changed(self) -> bytes:
        """`StartCompression` or `StopCompression` was obeyed.

        Returns what came behind the command and is not read yet: it is in the new form.
        """
        self._context.compresses = self._context.next is Next.START_COMPRESSION
        self._context.next = Next.READ
        return self._receiver.take_rest()

    def close(self) -> None:
        """Give back what the session holds."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def still_working(self) -> Response | None:
        """For a client that waits in the middle of a command; None: not now (RFC 9585)."""
        if self._may_tell:
            return self._context.spoken(still_working(self._context))
        pending = self._context.pending
        tells = Workaround.STILL_HERE in self._context.settings.workarounds
        if tells and pending is not None and pending.idles:
            return self._context.spoken(Status(Condition.OK, "Still here"))
        return None

    def timed_out(self) -> Response:
        return self._bye("You were silent for too long")

    def shutting_down(self) -> Response:
        return self._bye("The server is going down, come back soon", b"UNAVAILABLE")

    def garbled(self) -> Response:
        return self._bye("That cannot be decompressed")

    def internal_error(self) -> Response:
        return self._bye("internal error", b"SERVERBUG")

    def _bye(self, text: str, code: bytes = b"") -> Response:
        return self._context.spoken(Status(Condition.BYE, text, code))

    def _spoken(self, output: Output) -> Output:
        """What people read, in their language; codes stay as they are."""
        return self._context.spoken(output) if isinstance(output, Status) else output

    # Events

    async def _take(self, event: framing.Event) -> Outputs:
        match event:
            case framing.Chunk():
                await self._write(event.octets)
            case framing.StreamEnded():
                pass  # what belongs to the command is known when its line ends
            case framing.LiteralWanted():
                yield Continue()
            case framing.LiteralRefused():
                text = phrase(
                    "The literals of a command have at most {most} octets", most=event.limit
                )
                yield Status(Condition.NO, text, b"TOOBIG", _tag_of(event.command))
            case _:
                async with aclosing(self._answer(event)) as outputs:
                    async for output in outputs:
                        yield output

    def _answer(self, event: framing.RawCommand | framing.StreamStarted | framing.Line) -> Outputs:
        match event:
            case framing.RawCommand():
                return self._end_command(event)
            case framing.StreamStarted():
                return self._begin_stream(event)
            case framing.Line():
                return self._go_on(event.octets)

    async def _end_command(self, raw: framing.RawCommand) -> Outputs:
        stream, self._stream = self._stream, None
        refused, self._refused = self._refused, None
        if refused is not None:
            yield refused
            return
        try:
            async with aclosing(self._command(raw, stream)) as replies:
                async for reply in replies:
                    yield reply
        finally:
            if stream is not None:
                stream.close()

    async def _command(self, raw: framing.RawCommand, stream: Stream | None) -> Outputs:
        cursor = self._cursor(raw)
        tag = b"*"
        try:
            tag = cursor.tag()
            feature = self._feature(cursor)
            if stream is not None:
                replies = stream.finish(cursor)
            else:
                replies = feature.handle(self._context, feature.parse(cursor))
        except BadCharset:
            yield _bad_charset(tag)
            return
        except (BadName, Utf8Required) as error:
            yield Status(Condition.NO, said_by(error), b"CANNOT", tag)
            return
        except LimitExceeded:
            raise
        except WireError as error:
            for status in self._bad(tag, error):
                yield status
            return
        self._bad_commands = 0
        async with aclosing(self._carry_out(tag, feature, replies)) as outputs:
            async for output in outputs:
                yield output

    def _cursor(self, command: framing.RawCommand) -> Cursor:
        context = self._context
        cuts = Workaround.EXTRA_SEPARATOR in context.settings.workarounds
        return Cursor(command, utf8=context.utf8, cut_names=cuts)

    def _feature(self, cursor: Cursor) -> AnyFeature:
        """The command named, if it is allowed in this state. Raises `BadSyntax`."""
        cursor.sp()
        name = cursor.word()
        if name == b"UID":
            cursor.sp()
            name = b"UID " + cursor.word()
        feature = _FEATURES.get(name)
        if feature is None:
            raise cursor.wrong("a known command")
        if self._context.state not in feature.states:
            raise cursor.wrong(f"a command allowed in this state, which {name.decode()} is not,")
        if feature.by_number and self._context.uid_only:
            raise UidRequired
        if self._context.lacks_utf8 and name not in _WITHOUT_TEXT:
            raise Utf8Required
        return feature

    def _bad(self, tag: bytes, error: WireError) -> list[Status]:
        self._bad_commands += 1
        said = [Status(Condition.BAD, said_by(error), bad_code(error), tag)]
        if self._bad_commands >= self._context.settings.max_bad_commands:
            self._context.next = Next.CLOSE
            said.append(Status(Condition.BYE, "Too many commands that are none"))
        return said

    async def _carry_out(self, tag: bytes, feature: AnyFeature, replies: Replies) -> Outputs:
        """Run a handler, or what is left of it; errors become its tagged response."""
        self._context.tag, self._context.progress = tag, None
        try:
            async with aclosing(self._handle(tag, feature, replies)) as outputs:
                async for output in outputs:
                    self._may_tell = False
                    yield output
                    self._may_tell = not isinstance(output, Octets)
        finally:
            self._may_tell = False

    async def _handle(self, tag: bytes, feature: AnyFeature, replies: Replies) -> Outputs:
        done: Done | Status = Done(phrase("{name} completed", name=feature.name.decode()))
        try:
            self._may_tell = True
            await self._renew_rights(feature)
            async with aclosing(replies) as outputs:
                async for reply in outputs:
                    if isinstance(reply, Done):
                        done = reply
                    else:
                        yield reply
        except MailError as error:
            done = Done(words_of(error), code_of(error), Condition.NO)
        except WireError as error:
            done = Done(said_by(error), bad_code(error), Condition.BAD)
        if self._context.pending is not None:
            self._waiting = tag, feature
            self._receiver.expect_line()
            return
        refresh = not feature.refreshes or done.condition is not Condition.OK
        async with aclosing(news(self._context, feature.news, refresh=refresh)) as told:
            async for reply in told:
                if not isinstance(reply, Done):
                    yield reply
        for status in self._owed():
            yield status
        yield Status(done.condition, done.text, done.code, tag)

    def _owed(self) -> list[Status]:
        """To a client that begins to want modification sequences (RFC 7162 section 3.1)."""
        view, owes = self._context.view, self._context.owes_mod_seq
        self._context.owes_mod_seq = False
        if view is None or not owes:
            return []
        code = b"HIGHESTMODSEQ %d" % max(view.settled, 1)
        return [Status(Condition.OK, "Highest modification", code)]

    async def _renew_rights(self, feature: AnyFeature) -> None:
        """A right that was taken away is gone with the next command. Raises `NotFound`."""
        if self._context.view is not None and feature.states == ONLY_SELECTED:
            await self._context.view.renew()

    async def _go_on(self, line: bytes) -> Outputs:
        waiting, self._waiting = self._waiting, None
        pending, self._context.pending = self._context.pending, None
        if waiting is None or pending is None:
            raise RuntimeError("a line was asked for and nobody wants it")
        replies = self._carry_out(*waiting, pending.go_on(line))
        async with aclosing(replies) as outputs:
            async for output in outputs:
                yield output

    # Literals

    async def _begin_stream(self, event: framing.StreamStarted) -> Outputs:
        if self._refused is None:
            self._refused = await self._open(event)
        if self._refused is None:
            if event.waits:
                yield Continue()
            return
        too_large = event.size > self._context.settings.max_append_octets
        if not event.waits and not too_large:
            return  # the octets are on their way: read them, then say why they were refused
        refused, self._refused = self._refused, None
        self._receiver.refuse_literal()
        yield refused
        if not event.waits:
            self._context.next = Next.CLOSE
            yield Status(Condition.BYE, "That is more than is read to be thrown away", b"TOOBIG")

    async def _open(self, event: framing.StreamStarted) -> Status | None:
        """Begin the command that the literal belongs to; the status says why not."""
        cursor = self._cursor(event.command)
        tag = b"*"
        try:
            tag = self._context.tag = cursor.tag()
            feature = self._feature(cursor)
            if feature.begin is None:
                raise cursor.wrong("a command with a message")
            await self._renew_rights(feature)
            if self._stream is None:
                self._stream = await feature.begin(self._context, cursor)
            else:
                await self._stream.next(cursor)
        except MailError as error:
            self.close()
            return reply_to(error, tag)
        except (BadName, Utf8Required) as error:
            self.close()
            return Status(Condition.NO, said_by(error), b"CANNOT", tag)
        except WireError as error:
            self.close()
            return Status(Condition.BAD, said_by(error), tag=tag)
        return None

    async def _write(self, octets: bytes) -> None:
        if self._stream is None:
            return  # refused already
        try:
            await self._stream.write(octets)
        except MailError as error:
            self.close()
            self._refused = reply_to(error, self._context.tag)


def _tag_of(command: framing.RawCommand) -> bytes:
    try:
        return Cursor(command).tag()
    except WireError:
        return b"*"


def _bad_charset(tag: bytes) -> Status:
    code = b"BADCHARSET (%b)" % b" ".join(CHARSETS)
    return Status(Condition.NO, "That charset is not known here", code, tag)
