"""Messages that a client writes in pieces: literals that stream, and URLs (RFC 4469)."""

from contextlib import aclosing

from postroad.base.errors import Invalid, TooLarge
from postroad.base.moments import Moment
from postroad.base.phrases import phrase
from postroad.core.mailbox.append import AppendedMessages
from postroad.model.ids import MailboxName
from postroad.model.mailbox import Appended, Flags, Replaced
from postroad.model.sharing import Place
from postroad.sessions.imap import flags, urls
from postroad.sessions.imap.feature import Context
from postroad.wire.imap.append import Append, AppendMessage, Url
from postroad.wire.imap.cursor import Cursor


def check(context: Context, cursor: Cursor, command: Append) -> None:
    """Refuse before the octets are sent what can be refused (RFC 9051 section 4.3)."""
    message = command.messages[-1]
    if message.utf8 and not context.utf8:
        raise cursor.wrong("UTF8 only after ENABLE UTF8=ACCEPT")  # RFC 6855 section 4
    limit = context.settings.max_append_octets
    if message.octets > limit:
        raise TooLarge(phrase("a message has at most {most} octets", most=limit))


class Assembly:
    """Takes the pieces in order; `close` must be called at the end and is harmless.

    What streams in between is written by `write`; `go_on` gets the command as far as it was
    read each time, and does what was not done yet.
    """

    def __init__(self, context: Context, target: Place, incoming: AppendedMessages) -> None:
        self._context = context
        self._target = target
        self._incoming = incoming
        self._message = 0  # which one of the command comes in
        self._part = 0  # how many of its pieces were seen

    @classmethod
    async def begin(
        cls, context: Context, command: Append, replaces: Replaced | None = None
    ) -> "Assembly":
        """Open the mailbox and take the pieces before the first literal."""
        target = await context.reach.target(context.viewer, MailboxName(command.mailbox))
        incoming = await context.services.appending.open(
            target, command.messages[0].octets, replaces
        )
        assembly = cls(context, target, incoming)
        try:
            await assembly.go_on(command)
        except BaseException:
            assembly.close()
            raise
        return assembly

    async def write(self, chunk: bytes) -> None:
        await self._incoming.write(chunk)

    async def go_on(self, command: Append) -> None:
        """Take what stands in the command since the last time."""
        while True:
            message = command.messages[self._message]
            for part in message.parts[self._part :]:
                if isinstance(part, Url):
                    await self._copy(part)
                self._part += 1
            if self._message + 1 == len(command.messages):
                return
            _refuse_empty(message)
            following = command.messages[self._message + 1]
            await self._incoming.next(*_stored(message), following.octets)
            self._message, self._part = self._message + 1, 0

    async def finish(self, command: Append) -> Appended:
        await self.go_on(command)
        message = command.messages[-1]
        _refuse_empty(message)
        done = await self._incoming.finish(*_stored(message))
        self._context.put_in(self._target, done.uids)
        return done

    def close(self) -> None:
        self._incoming.close()

    async def _copy(self, part: Url) -> None:
        async with aclosing(urls.read_own(self._context, part.octets)) as chunks:
            async for chunk in chunks:
                await self._incoming.write(chunk)


def _refuse_empty(message: AppendMessage) -> None:
    """RFC 3502: an empty message cancels the command."""
    if not message.octets and not any(isinstance(part, Url) for part in message.parts):
        raise Invalid("A message is not empty")


def _stored(message: AppendMessage) -> tuple[Flags, frozenset[str], Moment | None]:
    date = None if message.internal_date is None else Moment(message.internal_date)
    return *flags.stored(message.flags), date
