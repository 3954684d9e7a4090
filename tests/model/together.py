"""Commands of several clients at the same time: what each is told must still add up.

No model can say in which order they take effect. But each client follows what it is told, and
whenever all is quiet, what it knows is what the store has.
"""

import asyncio
import random
import re
from dataclasses import dataclass

from model.client import numbers
from model.commands import FLAGS
from model.shadow import Look, changed
from model.stage import look_of
from model.world import ACCOUNT, Server, said
from postroad.model.ids import MailboxName

_LINE = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH) ?(.*)", re.DOTALL)
_CODE = re.compile(rb"\[(HIGHESTMODSEQ|UIDVALIDITY) (\d+)\]")
_NAMES = ("INBOX", "A")
_LITERAL = b" {8+}\r\nS: x\r\n\r\n"


@dataclass(eq=False)
class Entry:
    """A message as a client knows it: None is what nobody has told yet."""

    uid: int | None = None
    look: Look | None = None


class Listener:
    """A client that knows only what it was told."""

    def __init__(self, server: Server, number: int) -> None:
        self._server = server
        self.number = number
        self.resyncs = number >= 2
        self.log: list[str] = []
        self._tags = 0

    async def connect(self) -> None:
        self._session = self._server.connect(self.number)
        self.entries: list[Entry] = []
        self.name = ""
        self.mod_seq = self.uid_validity = 0
        await self.send("LOGIN alice@example.org secret")
        if self.resyncs:
            await self.send("ENABLE QRESYNC")

    async def send(self, command: str, literal: bytes = b"") -> set[Entry]:
        """Returns the messages whose flags were told."""
        self._tags += 1
        tag = b"t%d" % self._tags
        octets = await said(
            self._session.receive(b"%b %b%b\r\n" % (tag, command.encode(), literal))
        )
        self.log += [f"{self.number}: {command}", *octets.decode().splitlines()]
        stays = command.startswith(("FETCH", "STORE", "SEARCH"))
        told: set[Entry] = set()
        code, seen = None, 0
        *lines, end, _ = octets.split(b"\r\n")
        assert end.startswith(tag + b" "), end
        self.is_ok = end.startswith(tag + b" OK")
        for line in [*lines, end]:
            seen = max(seen, self._read(line, told, stays=stays))
            found = _CODE.search(line)
            if found is not None and found[1] == b"HIGHESTMODSEQ":
                code = int(found[2])
            elif found is not None:
                self.uid_validity = int(found[2])
        self.mod_seq = max(self.mod_seq, seen) if code is None else code  # RFC 7162 section 6
        return told

    def _read(self, line: bytes, told: set[Entry], *, stays: bool) -> int:
        """Take a response in; the MODSEQ that it names."""
        if line.startswith(b"* VANISHED (EARLIER) "):
            self._vanished(numbers(line[len(b"* VANISHED (EARLIER) ") :]), earlier=True)
        elif line.startswith(b"* VANISHED "):
            assert not stays
            assert self.resyncs
            self._vanished(numbers(line[len(b"* VANISHED ") :]), earlier=False)
        found = _LINE.fullmatch(line)
        if found is None:
            return 0
        number = int(found[1])
        if found[2] == b"EXISTS":
            assert number >= len(self.entries), "EXISTS shrinks"
            self.entries += [Entry() for _ in range(number - len(self.entries))]
            return 0
        assert 1 <= number <= len(self.entries), "a number that there is not"
        if found[2] == b"EXPUNGE":
            assert not stays
            assert not self.resyncs
            del self.entries[number - 1]
            return 0
        return self._fetched(self.entries[number - 1], found[3], told)

    def _fetched(self, entry: Entry, items: bytes, told: set[Entry]) -> int:
        uid = re.search(rb"UID (\d+)", items)
        if uid is not None:
            assert entry.uid in (None, int(uid[1])), "the number is another message's"
            entry.uid = int(uid[1])
        flags = re.search(rb"FLAGS \(([^)]*)\)", items)
        if flags is not None:
            entry.look = frozenset(flags[1].decode().split()) - {"\\Recent"}
            told.add(entry)
        mod_seq = re.search(rb"MODSEQ \((\d+)\)", items)
        return 0 if mod_seq is None else int(mod_seq[1])

    def _vanished(self, uids: list[int], *, earlier: bool) -> None:
        for uid in uids:
            known = [entry for entry in self.entries if entry.uid == uid]
            if not known and not earlier:  # one of those whose UIDs were not told yet
                known = [entry for entry in self._between(uid) if entry.uid is None][:1]
                assert known, f"UID {uid} vanishes and was never there"
            for entry in known:
                self.entries.remove(entry)

    def _between(self, uid: int) -> list[Entry]:
        """Where a UID must be, as UIDs ascend."""
        places = [n for n, entry in enumerate(self.entries) if entry.uid is not None]
        below = [n for n in places if (self.entries[n].uid or 0) < uid]
        above = [n for n in places if (self.entries[n].uid or 0) > uid]
        return self.entries[max(below, default=0) : min(above, default=len(self.entries))]

    # What it does

    async def select(self, name: str) -> None:
        self.entries, self.mod_seq, self.name = [], 0, name
        await self.send(f"SELECT {name}")
        await self.send("UID FETCH 1:* (UID FLAGS)")

    async def act(self, rng: random.Random) -> None:
        kind = rng.choice(("append", "store", "store", "silent", "fetch", "move", "copy",
                           "expunge", "noop"))  # fmt: skip
        number = rng.randint(1, max(len(self.entries), 1))
        last = min(number + rng.randrange(3), len(self.entries))
        where = f"{number}:{last}"
        flags = frozenset(rng.choices(FLAGS, k=rng.randrange(1, 3)))
        action, words = rng.choice(("+", "-", "")), " ".join(sorted(flags))
        target = rng.choice(_NAMES)
        if kind == "append":
            await self.send(f"APPEND {target} ({words})", _LITERAL)
            assert self.is_ok
        elif kind in ("expunge", "noop"):
            await self.send(kind.upper())
        elif not self.entries:
            await self.send("NOOP")
        elif kind == "store":
            await self.send(f"STORE {where} {action}FLAGS ({words})")
        elif kind == "silent":
            named = self.entries[number - 1 : last]
            told = await self.send(f"STORE {where} {action}FLAGS.SILENT ({words})")
            for entry in set(named) - told:
                if entry.look is not None and self.is_ok:
                    entry.look = changed(entry.look, action, flags)
        elif kind == "fetch":
            await self.send(f"FETCH {where} (UID FLAGS)")
        else:
            await self.send(f"{kind.upper()} {where} {target}")

    async def check(self) -> None:
        """Nobody else is at work: after NOOP the client knows everything."""
        await self.send("NOOP")
        truth = await self._truth()
        assert len(self.entries) == len(truth)
        for again in (False, True):
            for entry, (uid, look) in zip(self.entries, truth, strict=True):
                assert entry.uid in (uid, None), (entry, uid)
                assert entry.look in (look, None), (entry, uid, look)
                assert not again or None not in (entry.uid, entry.look)
            await self.send("UID FETCH 1:* (UID FLAGS)")

    async def come_back(self) -> None:
        """Lose the connection at any time; with QRESYNC the memory is made whole again."""
        entries, mod_seq, name, validity = (
            self.entries,
            self.mod_seq,
            self.name,
            self.uid_validity,
        )
        whole = all(entry.uid is not None and entry.look is not None for entry in entries)
        self._session.close()
        await self.connect()
        if not self.resyncs or not whole or not mod_seq:
            await self.select(name)
            return
        by_uid = {entry.uid: entry.look for entry in entries}
        self.name = name
        await self.send("NOOP")
        gone = len(self.log)
        await self.send(f"SELECT {name} (QRESYNC ({validity} {mod_seq}))")
        for line in self.log[gone:]:
            if line.startswith("* VANISHED (EARLIER) "):
                for uid in numbers(line.rpartition(" ")[2].encode()):
                    by_uid.pop(uid, None)
        for entry in self.entries:
            if entry.uid is not None:
                by_uid[entry.uid] = entry.look
        assert sorted(by_uid.items(), key=str) == sorted(await self._truth(), key=str)
        await self.send("UID FETCH 1:* (UID FLAGS)")

    async def _truth(self) -> list[tuple[int, Look]]:
        mail = self._server.mail
        found = await mail.find_mailbox(ACCOUNT.account_id, MailboxName(self.name))
        assert found is not None
        _, placed = await mail.placements(ACCOUNT.account_id, found.mailbox_id)
        looks = [look_of(*placed.combinations[look]) for look in placed.looks]
        return list(zip(placed.uids, looks, strict=True))


async def play(server: Server, seed: int, rounds: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # a play that can be repeated, but for its timing
    listeners = [Listener(server, number) for number in range(4)]
    try:
        for listener in listeners:
            await listener.connect()
        await listeners[0].send("CREATE A")
        for listener in listeners:
            await listener.select(rng.choice(_NAMES))
        for _ in range(rounds):
            async with asyncio.TaskGroup() as group:
                for listener in rng.sample(listeners, rng.randint(2, 4)):
                    group.create_task(listener.act(rng))
            if rng.random() < 0.3:
                await rng.choice(listeners).check()
            if rng.random() < 0.2:
                await rng.choice(listeners).come_back()
        for listener in listeners:
            await listener.check()
        assert await server.references.check() == []
    except BaseException as error:
        error.add_note("\n".join(line for one in listeners for line in one.log[-25:]))
        raise
