"""Random commands of three people in each other's mailboxes, while rights come and go."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from model.client import Answer, Client, Kind
from model.houses import EVERYTHING, Room, allowed
from model.shadow import DELETED, Look
from model.stage import look_of
from postroad.adapters.sql.queue.store import SqlReferenceStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine
from postroad.model.ids import MailboxName
from sessions.imap.neighbours import PEOPLE, Neighbours, in_sql

ALICE, BOB, CAROL = PEOPLE["1"], PEOPLE["2"], PEOPLE["3"]
KINDS = {"1": Kind.PLAIN, "2": Kind.PLAIN, "3": Kind.QRESYNC, "5": Kind.QRESYNC, "6": Kind.QRESYNC}
FLAGS = ("\\Seen", DELETED, "\\Flagged", "$a", "\\Seen")
# Some of them are useless alone, and some leave something out that matters.
GRANTS = ("lrswite", "lrs", "lrswite", "lrswit", "lr", "lrsit", "lrswite", "li", "rs", "l", "lrte",
          "", "lrswie", "lrite")  # fmt: skip
_MESSAGE = b"Subject: x\r\n\r\nx\r\n"


@dataclass(frozen=True, slots=True)
class Step:
    client: str
    action: str
    x: int
    y: int
    z: int


class Visits:
    """Server, model and clients, kept in step and compared after each command."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._folder, self._path = folder, path
        self.log: list[str] = []
        self.rooms = [Room(owner, name) for owner in (ALICE, BOB) for name in ("INBOX", "Sent")]
        self.rooms.append(Room(CAROL, "INBOX"))
        self.clients = {number: Client(kind) for number, kind in KINDS.items()}
        self.at: dict[str, Room] = {}
        self._sent = 0

    async def begin(self) -> None:
        self._engine = SqliteEngine(self._path, readers=1)
        self._serve(await Neighbours(self._folder, in_sql(self._engine)).move_in())
        for number in self.clients:
            await self._connect(number)

    def _serve(self, house: Neighbours) -> None:
        """Two processes, each with its own memory; the second one hears no calls of the first."""
        self._house = house
        self._annex = Neighbours(self._folder, in_sql(self._engine)).resume(house)

    def _of(self, number: str) -> Neighbours:
        return self._annex if number in ("5", "6") else self._house

    async def end(self) -> None:
        for number, client in self.clients.items():
            if client.idles:
                await self._done(number)
            await self.noop(Step(number, "noop", 0, 0, 0))
        assert await SqlReferenceStore(self._engine).check() == []

    async def close(self) -> None:
        await self._engine.close()

    async def _connect(self, number: str) -> None:
        client = self.clients[number]
        client.unselect()
        client.forget()
        self.at.pop(number, None)
        self._of(number).sessions.pop(number, None)
        if client.kind.resyncs:
            await self._exchange(number, b"e ENABLE QRESYNC\r\n")

    async def step(self, step: Step) -> None:
        if self.clients[step.client].idles:
            await self._done(step.client)
        elif step.action in ONLY_SELECTED and step.client not in self.at:
            await self.select(step)
        else:
            await ACTIONS[step.action](self, step)

    # One command

    async def send(
        self, number: str, command: str, literal: bytes = b"", *, expect: bool = True
    ) -> Answer | None:
        """Send a command of which the model knows; None: the mailbox was lost to the client."""
        for room in self.rooms:
            room.show()
        self._sent += 1
        tag, client = b"t%d" % self._sent, self.clients[number]
        client.begin()
        self.log.append(f"{number}: {command}")
        line = command.encode() + (b" {%d+}\r\n%b" % (len(literal), literal) if literal else b"")
        heard = await self._exchange(number, b"%b %b\r\n" % (tag, line))
        if self._is_lost(number):
            assert b"* BYE" in heard, command
            await self._connect(number)
            answer = None
        else:
            answer = client.read(heard, tag, may_expunge=True)
            assert answer.status == (b"OK" if expect else b"NO"), answer.lines
        await self._compare()
        return answer

    async def _exchange(self, number: str, octets: bytes) -> bytes:
        """Send something; those in IDLE in the same process hear the news."""
        heard = await self._of(number).send(number, octets)
        self._log(heard)
        for other in heard:
            if other != number:
                await self._hear(other, heard[other])
        return heard[number]

    async def _hear(self, number: str, octets: bytes) -> None:
        """In IDLE."""
        client = self.clients[number]
        if self._is_lost(number):
            assert b"* BYE" in octets
            await self._connect(number)
            return
        client.begin()
        client.read(octets, b"", may_expunge=True)
        client.check_current()

    def _log(self, heard: dict[str, bytes]) -> None:
        for number, octets in heard.items():
            self.log += [f"   {number} {line}" for line in octets.decode().splitlines()]

    def _is_lost(self, number: str) -> bool:
        """Rights are held against each command (RFC 4314 section 4: r)."""
        return number in self.at and "r" not in self.at[number].rights(PEOPLE[number])

    async def _compare(self) -> None:
        """The store with the model, for everybody who may look."""
        mail, people = self._house.mail, self._house.people
        for room in self.rooms:
            owner = people[room.owner].account_id
            found = await mail.find_mailbox(owner, MailboxName(room.name))
            assert found is not None
            assert found.uid_next == room.uid_next
            for person in (ALICE, BOB, CAROL):
                viewer = None if person == room.owner else people[person].account_id
                _, placed = await mail.placements(owner, found.mailbox_id, viewer)
                assert list(placed.uids) == sorted(room.mail), room.called(person)
                for uid, at in zip(placed.uids, placed.looks, strict=True):
                    look = look_of(*placed.combinations[at])
                    assert look == room.look(person, uid), (room.called(person), person, uid)

    # Actions

    async def select(self, step: Step) -> None:
        number, room = step.client, self.rooms[step.x % len(self.rooms)]
        client, person = self.clients[number], PEOPLE[step.client]
        client.unselect()
        may = "r" in room.rights(person)
        box = room.view(person)
        # Clients remember by this number; UIDVALIDITY is only unique for a name.
        box.uid_validity = 1 + self.rooms.index(room)
        memory = client.memories.get(box.uid_validity) if client.kind.resyncs else None
        resync = ""
        if memory is not None and may and step.z % 4:
            resync = f" (QRESYNC ({room.uid_validity} {memory.mod_seq}))"
        self.at.pop(number, None)
        if may:
            # Whether others' messages are recent is not looked at.
            client.select(box, read_only=person != room.owner)
            self.at[number] = room
        answer = await self.send(number, f'SELECT "{room.called(person)}"{resync}', expect=may)
        if answer is None or not may:
            if answer is not None:
                code = b"NOPERM" if "l" in room.rights(person) else b"NONEXISTENT"
                assert code in answer.codes
            return
        room.uid_validity = int(answer.codes[b"UIDVALIDITY"])
        if resync and memory is not None:
            left = {uid for uid in memory.uids if uid not in answer.earlier}
            assert sorted(left | answer.fetched.keys()) == box.uids
            for uid in left & memory.looks.keys():
                client.looks.setdefault(uid, memory.looks[uid])
        client.check_current()

    async def append(self, step: Step) -> None:
        person, room = PEOPLE[step.client], self.rooms[step.x % len(self.rooms)]
        may, flags = "i" in room.rights(person), _flags(step.y)
        if not may and self._is_lost(step.client):
            await self.noop(step)  # what is refused before its literal tells no news
            return
        if may:
            room.add(person, flags & allowed(room.rights(person)))
        command = f'APPEND "{room.called(person)}" ({" ".join(sorted(flags))})'
        await self.send(step.client, command, _MESSAGE, expect=may)

    async def store(self, step: Step) -> None:
        room, person = self.at[step.client], PEOPLE[step.client]
        uids, flags = self._some(step), _flags(step.y)
        action = ("+", "-", "", "+")[step.z % 4]
        may = True
        if not self._is_lost(step.client):
            there = [uid for uid in uids if uid in room.mail]
            may = room.store(person, there, action, flags)
        command = f"UID STORE {_set(uids)} {action}FLAGS ({' '.join(sorted(flags))})"
        await self.send(step.client, command, expect=may)

    async def give(self, step: Step) -> None:
        """COPY and MOVE."""
        source, person = self.at[step.client], PEOPLE[step.client]
        target, moves = self.rooms[step.y % len(self.rooms)], step.z % 2 == 0
        uids = self._some(step)
        there = [uid for uid in uids if uid in source.mail]
        may = "i" in target.rights(person)
        if moves:
            may = may and {"t", "e"} <= source.rights(person)
        expected: list[int] = []
        if may and not self._is_lost(step.client):
            expected = source.give(person, there, target)
            if moves:
                source.remove(there)
        word = "MOVE" if moves else "COPY"
        command = f'UID {word} {_set(uids)} "{target.called(person)}"'
        answer = await self.send(step.client, command, expect=may)
        if answer is not None and expected:
            told = answer.codes[b"COPYUID"].split(b" ")[2]
            assert told == _set(expected).encode()

    async def expunge(self, step: Step) -> None:
        room, person = self.at[step.client], PEOPLE[step.client]
        may = "e" in room.rights(person)
        if may and not self._is_lost(step.client):
            known = self.clients[step.client].uids
            last = known[-1] if known else 0
            room.remove(
                [u for u, mail in room.mail.items() if DELETED in mail.flags and u <= last]
            )
        await self.send(step.client, "EXPUNGE", expect=may)

    async def fetch(self, step: Step) -> None:
        await self.send(step.client, f"UID FETCH {_set(self._some(step))} (UID FLAGS)")

    async def grant(self, step: Step) -> None:
        """The owner says who may do what."""
        own = [room for room in self.rooms if room.owner == PEOPLE[step.client]]
        room, rights = own[step.x % len(own)], GRANTS[step.y % len(GRANTS)]
        others = [person for person in (ALICE, BOB, CAROL) if person != room.owner]
        whom = others[step.z % len(others)]
        room.granted[whom] = frozenset(rights)
        if step.z % 7 == 0:
            room.granted[whom] = frozenset()
            await self.send(step.client, f"DELETEACL {room.name} {whom}")
        else:
            await self.send(step.client, f'SETACL {room.name} {whom} "{rights}"')

    async def noop(self, step: Step) -> None:
        if await self.send(step.client, "NOOP") is not None:
            self.clients[step.client].check_current()

    async def idle(self, step: Step) -> None:
        await self.noop(step)
        self.log.append(f"{step.client}: IDLE")
        if (await self._exchange(step.client, b"i IDLE\r\n")).startswith(b"+ "):
            self.clients[step.client].idles = True

    async def _done(self, number: str) -> None:
        client = self.clients[number]
        client.idles = False
        client.begin()
        self.log.append(f"{number}: DONE")
        octets = await self._exchange(number, b"DONE\r\n")
        if self._is_lost(number):
            assert b"* BYE" in octets
            await self._connect(number)
            return
        assert client.read(octets, b"i", may_expunge=True).status == b"OK"
        client.check_current()

    async def reconnect(self, step: Step) -> None:
        self.log.append(f"{step.client}: (disconnects)")
        await self._connect(step.client)

    async def restart(self, step: Step) -> None:
        """Everybody is cut off; what was told stays true."""
        self.log.append("(the server restarts)")
        before = self._house
        await self._engine.close()
        self._engine = SqliteEngine(self._path, readers=1)
        self._serve(Neighbours(self._folder, in_sql(self._engine)).resume(before))
        for number in self.clients:
            await self._connect(number)
        await self._compare()

    def _some(self, step: Step) -> list[int]:
        """Of the messages that the client knows; one that there never was if it knows none."""
        uids = self.clients[step.client].uids
        if not uids:
            return [999]
        first = step.x % len(uids)
        return uids[first : first + 1 + step.x // 16 % 4]


def _flags(number: int) -> Look:
    return frozenset(flag for bit, flag in enumerate(FLAGS) if number & 1 << bit)


def _set(uids: list[int]) -> str:
    """As the server writes it, with ranges."""
    spans: list[list[int]] = []
    for uid in uids:
        if spans and spans[-1][1] == uid - 1:
            spans[-1][1] = uid
        else:
            spans.append([uid, uid])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in spans)


ONLY_SELECTED = frozenset({"store", "give", "expunge", "fetch"})
Action = Callable[[Visits, Step], Awaitable[None]]
ACTIONS: dict[str, Action] = {
    "select": Visits.select,
    "append": Visits.append,
    "store": Visits.store,
    "give": Visits.give,
    "expunge": Visits.expunge,
    "fetch": Visits.fetch,
    "grant": Visits.grant,
    "noop": Visits.noop,
    "idle": Visits.idle,
    "reconnect": Visits.reconnect,
    "restart": Visits.restart,
}
WEIGHTS = {
    "select": 16,
    "append": 10,
    "store": 20,
    "give": 14,
    "expunge": 5,
    "fetch": 8,
    "grant": 12,
    "noop": 6,
    "idle": 3,
    "reconnect": 3,
    "restart": 1,
}
assert frozenset("".join(GRANTS)) <= EVERYTHING
