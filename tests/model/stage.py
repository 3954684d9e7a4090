"""Server, model and clients, kept in step and compared after each command."""

from model.client import Answer, Client, Kind
from model.shadow import DELETED, Box, Look, Shadow
from model.world import ACCOUNT, Server, said
from postroad.model.ids import MailboxName
from postroad.sessions.imap.session import ImapSession


class Stage:
    """What every command needs: to be sent, to be understood, and to be compared."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.shadow = Shadow()
        self.clients = [Client(kind) for kind in Kind]
        self.sessions: list[ImapSession] = []
        self.log: list[str] = []
        self._sent = 0

    async def begin(self) -> None:
        self.sessions = [self.server.connect(n) for n in range(len(self.clients))]
        for n in range(len(self.clients)):
            await self._log_in(n)
        await self.learn()

    async def _log_in(self, n: int) -> None:
        client = self.clients[n]
        client.forget()
        enabled = {Kind.QRESYNC: "ENABLE QRESYNC", Kind.REV2: "ENABLE QRESYNC IMAP4REV2"}
        for line in ("LOGIN alice@example.org secret", enabled.get(client.kind, "NOOP")):
            octets = await said(self.sessions[n].receive(b"l %b\r\n" % line.encode()))
            assert b"l OK" in octets, octets

    async def end(self) -> None:
        for n, client in enumerate(self.clients):
            if client.idles:
                await self.done(n)
            if client.box is not None:
                await self.noop_of(n)
        assert await self.server.references.check() == []

    # One command

    async def send(
        self,
        n: int,
        command: str,
        *,
        literal: bytes = b"",
        expect: bytes = b"OK",
        may_expunge: bool = True,
    ) -> Answer:
        """Send a command of which the model knows already."""
        self._sent += 1
        tag = b"t%d" % self._sent
        client = self.clients[n]
        client.begin()
        line = command.encode() + (b" {%d+}\r\n%b" % (len(literal), literal) if literal else b"")
        self.log.append(f"{n}: {command}")
        octets = await said(self.sessions[n].receive(b"%b %b\r\n" % (tag, line)))
        self.log.extend("   " + line for line in octets.decode().splitlines())
        answer = client.read(octets, tag, may_expunge=may_expunge)
        if expect:
            assert answer.status == expect, (expect, answer.lines)
        await self.learn()
        client.check_mod_seqs()
        await self.wake(n)
        return answer

    async def wake(self, but: int) -> None:
        """Clients in IDLE hear of it."""
        for n, client in enumerate(self.clients):
            if n != but and client.idles and (client.box is None or client.box.alive):
                client.begin()
                octets = await said(self.sessions[n].news())
                self.log.extend(f"   {n} hears {line}" for line in octets.decode().splitlines())
                client.read(octets, b"", may_expunge=True)
                client.check_mod_seqs()
                client.check_current()

    async def learn(self) -> None:
        """Compare all mailboxes with the model."""
        account = ACCOUNT.account_id
        there = {str(one.name): one for one in await self.server.mail.mailboxes(account)}
        assert there.keys() == self.shadow.boxes.keys()
        for name, one in there.items():
            box = self.shadow.boxes[name]
            assert (one.selectable, one.uid_next) == (box.selectable, box.uid_next), name
            assert one.messages == len(box.messages)
            assert box.uid_validity in (0, one.uid_validity)
            box.uid_validity, box.mailbox_id = one.uid_validity, one.mailbox_id
            if box.selectable and (one.mod_seq != box.highest or box.touched or box.removed):
                await self._learn_messages(box)

    async def _learn_messages(self, box: Box) -> None:
        account = ACCOUNT.account_id
        found = await self.server.mail.find_mailbox(account, MailboxName(box.name))
        assert found is not None
        mailbox, placed = await self.server.mail.placements(account, found.mailbox_id)
        assert list(placed.uids) == box.uids
        for uid, look in zip(placed.uids, placed.looks, strict=True):
            flags, keywords = placed.combinations[look]
            assert look_of(flags, keywords) == box.messages[uid]
        box.learn(mailbox.mod_seq, dict(zip(placed.uids, placed.mod_seqs, strict=True)))

    async def noop_of(self, n: int) -> None:
        client = self.clients[n]
        if client.box is not None and not client.box.alive:
            await self.bye(n)
            return
        await self.send(n, "NOOP")
        client.check_current()

    async def bye(self, n: int) -> None:
        """RFC 2180 section 3.3: the selected mailbox is gone."""
        self.clients[n].box = None
        octets = await said(self.sessions[n].receive(b"b NOOP\r\n"))
        assert octets.startswith(b"* BYE"), octets
        await self.reconnect_of(n)

    async def reconnect_of(self, n: int) -> None:
        self.sessions[n].close()
        self.sessions[n] = self.server.connect(n)
        await self._log_in(n)

    async def done(self, n: int) -> None:
        client = self.clients[n]
        client.idles = False
        self.log.append(f"{n}: DONE")
        if client.box is not None and not client.box.alive:
            client.box = None
            octets = await said(self.sessions[n].receive(b"DONE\r\n"))
            assert b"* BYE" in octets, octets
            await self.reconnect_of(n)
            return
        client.begin()
        octets = await said(self.sessions[n].receive(b"DONE\r\n"))
        answer = client.read(octets, b"i", may_expunge=True)
        assert answer.status == b"OK"
        client.check_mod_seqs()
        client.check_current()


def look_of(flags: int, keywords: str) -> Look:
    names = ("\\Seen", "\\Answered", "\\Flagged", DELETED, "\\Draft")
    system = [name for bit, name in enumerate(names) if flags & 1 << bit]
    return frozenset([*system, *keywords.split()])
