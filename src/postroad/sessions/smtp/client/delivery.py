"""One mail transaction, from MAIL to the answer for each recipient (RFC 5321 section 3.3)."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from postroad.base.errors import MailError
from postroad.model.queue import Needs
from postroad.ports.transport import (
    Accepted,
    Outgoing,
    PermanentFailure,
    Result,
    TemporaryFailure,
    Unsupported,
)
from postroad.sessions.smtp.client import outcomes
from postroad.sessions.smtp.client.dialogue import Dialogue, PeerLost
from postroad.sessions.smtp.client.plan import Plan
from postroad.sessions.smtp.client.ports import Wait
from postroad.wire.errors import BadSyntax
from postroad.wire.smtp import client as wire
from postroad.wire.smtp.replies import Reply

GROUP = 100
"""Commands sent at once. Limit: their replies must fit the buffers (RFC 2920 section 3.1)."""
CHUNK = 256 * 1024
"""Octets of a BDAT chunk."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A command of the envelope; the number of its recipient, None for MAIL and DATA."""

    octets: bytes
    recipient: int | None = None


class Delivery:
    """Collects a result for each recipient; every one has a result when `run` returns.

    `leaves_open` says that the server may still hold a transaction, so that RSET is needed
    before the next one.
    """

    def __init__(
        self, dialogue: Dialogue, message: Outgoing, plan: Plan, *, pipelining: bool
    ) -> None:
        self._dialogue = dialogue
        self._message = message
        self._plan = plan
        self._pipelining = pipelining
        self._results: list[Result | None] = [None] * len(message.forward_paths)
        self._taken: list[int] = []  # recipients the server said yes to
        self._refused: Result | None = None  # the answer to MAIL, when it was no
        self.leaves_open = False

    async def run(self) -> list[Result]:
        try:
            await self._exchange()
        except PeerLost as error:
            self._settle(outcomes.lost(str(error)))
        except MailError as error:
            # Our own store failed in the middle of the content: the end must not be sent.
            self._dialogue.is_usable = False
            self._settle(TemporaryFailure(f"the message could not be read: {error}", 0, "4.3.0"))
        return self._all()

    def _all(self) -> list[Result]:
        nothing = TemporaryFailure("nothing was said about this recipient", 0, "4.5.0")
        return [result or nothing for result in self._results]

    async def _exchange(self) -> None:
        try:
            mail = wire.mail(
                self._message.reverse_path, *self._plan.parameters, utf8=self._plan.utf8
            )
        except BadSyntax as error:
            self._settle(PermanentFailure(f"the reverse path is malformed: {error}", 553, "5.1.7"))
            return
        recipients = self._recipients()
        if not recipients:
            return
        envelope = [_Said(mail), *recipients]
        if self._pipelining:
            await self._pipelined(envelope)
        else:
            await self._one_by_one(envelope)

    def _recipients(self) -> list[_Said]:
        """RCPT for each recipient that can be written; the others get their result."""
        commands = []
        for number, path in enumerate(self._message.forward_paths):
            if not path.isascii() and not self._plan.utf8:
                self._results[number] = Unsupported(Needs(utf8=True))
                continue
            try:
                commands.append(_Said(wire.rcpt(path, utf8=self._plan.utf8), number))
            except BadSyntax as error:
                text = f"the address is malformed: {error}"
                self._results[number] = PermanentFailure(text, 553, "5.1.3")
        return commands

    async def _one_by_one(self, envelope: list[_Said]) -> None:
        for said in envelope:
            await self._dialogue.say(said.octets)
            reply = await self._dialogue.hear()
            self._note(said, reply)
            if self._refused is not None or not self._dialogue.is_usable:
                self._settle(self._refused or outcomes.failure(reply))
                return
        if not self._taken:
            self.leaves_open = True
            return
        if self._plan.by_chunks:
            await self._send_chunks()
            return
        await self._dialogue.say(wire.DATA)
        await self._after_data(await self._dialogue.hear(Wait.DATA_START))

    async def _pipelined(self, envelope: list[_Said]) -> None:
        """In groups; DATA closes the last one, and BDAT waits for the answers."""
        if not self._plan.by_chunks:
            envelope = [*envelope, _Said(wire.DATA)]
        answer = None
        for start in range(0, len(envelope), GROUP):
            group = envelope[start : start + GROUP]
            await self._dialogue.say(b"".join(said.octets for said in group))
            for said in group:
                answer = await self._dialogue.hear(
                    Wait.DATA_START if said.octets is wire.DATA else Wait.COMMAND
                )
                self._note(said, answer)
                if not self._dialogue.is_usable:
                    self._settle(outcomes.failure(answer))
                    return
        if answer is not None and not self._plan.by_chunks:
            await self._after_data(answer)
        elif self._taken and self._refused is None:
            await self._send_chunks()
        else:
            self.leaves_open = self._refused is None
            self._settle(self._refused)

    def _note(self, said: _Said, reply: Reply) -> None:
        """Keep what a reply to the envelope means. After a refused MAIL, RCPT says nothing."""
        if said.octets is wire.DATA:
            return
        if said.recipient is None:
            self._refused = None if reply.is_positive else outcomes.failure(reply)
        elif self._refused is None:
            failed = outcomes.of_recipient(reply)
            if failed is None:
                self._taken.append(said.recipient)
            else:
                self._results[said.recipient] = failed

    async def _after_data(self, reply: Reply) -> None:
        if reply.code != 354:
            # Without recipients the refusal was to be expected, and each has its own answer.
            self._settle(self._refused or outcomes.failure(reply))
            self.leaves_open = self._refused is None
        elif self._taken and self._refused is None:
            await self._send_data()
        else:
            # RFC 2920 section 3.1: it wants a message although nobody is to get it.
            self._settle(self._refused)
            await self._dialogue.say(wire.END_OF_DATA)
            await self._dialogue.hear(Wait.DATA_END)

    async def _send_data(self) -> None:
        stuffer = wire.DotStuffer()
        sent = 0
        try:
            async with _closing(self._message.chunks()) as pieces:
                async for piece in pieces:
                    sent += len(piece)
                    await self._dialogue.send(stuffer.update(piece))
        except PeerLost as error:
            await self._interrupted(error)
            return
        self._dialogue.transcript.add("C", f"({sent} octets of content)")
        await self._end(stuffer.finish())

    async def _send_chunks(self) -> None:
        """RFC 3030 section 2: each chunk is answered, and the last one for the whole message."""
        held = b""
        async with (
            _closing(self._message.chunks()) as pieces,
            aclosing(_cut(pieces, CHUNK)) as chunks,
        ):
            async for chunk in chunks:
                if held and not await self._send_chunk(held):
                    return
                held = chunk
        await self._dialogue.say(wire.bdat(len(held), is_last=True))
        await self._end(held)

    async def _send_chunk(self, octets: bytes) -> bool:
        """Send a chunk that is not the last; whether the server wants more."""
        await self._dialogue.say(wire.bdat(len(octets), is_last=False))
        await self._dialogue.send(octets)
        reply = await self._dialogue.hear(Wait.CHUNK)
        if not reply.is_positive:
            self._settle(outcomes.failure(reply))
            self.leaves_open = True
        return reply.is_positive

    async def _interrupted(self, error: PeerLost) -> None:
        """The server hung up in the middle of the content, perhaps with a reason."""
        reply = await self._dialogue.last_words()
        self._dialogue.is_usable = False
        if reply is None or reply.is_positive:
            self._settle(outcomes.lost(str(error)))
        else:
            self._settle(outcomes.failure(reply))

    async def _end(self, octets: bytes) -> None:
        """Send the last octets of the message, and hear the answer to the whole."""
        try:
            await self._dialogue.send(octets)
            reply = await self._dialogue.hear(Wait.DATA_END)
        except PeerLost as error:
            self._settle(outcomes.lost(str(error), after_content=True))
            return
        self._settle(outcomes.of_content(reply))

    def _settle(self, result: Accepted | Result | None) -> None:
        """The result of all who have none yet."""
        self._results = [known or result for known in self._results]


@asynccontextmanager
async def _closing(pieces: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Close the source when we leave it early, if it is one that can be closed."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _cut(pieces: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """The same octets in pieces of `size`, but for the last; nothing for nothing."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
