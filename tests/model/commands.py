"""Random commands, what each must do to the model, and what it must be answered."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from model.client import Answer, Client, Kind, Memory, numbers
from model.shadow import DELETED, Box, Look
from model.stage import Stage
from model.world import ACCOUNT, said
from postroad.adapters.bus.local import LocalBus
from postroad.core.mailbox.undelete import Undelete
from postroad.model.ids import MailboxId, Uid
from stores.making import FUTURE

BUSY = ("INBOX", "A", "INBOX", "A", "INBOX", "A", "B", "A/x")  # so that clients meet
NAMES = ("INBOX", "A", "B", "A/x", "C")
FLAGS = ("\\Seen", "\\Flagged", DELETED, DELETED, "$a", "$b", "\\Answered", "$c")
_MESSAGE = b"Subject: %d\r\n\r\nx\r\n"


@dataclass(frozen=True, slots=True)
class Step:
    """One action of one client; the numbers choose its details from what is possible then."""

    client: int
    action: str
    x: int
    y: int
    z: int


class Play(Stage):
    """One random command after the other."""

    async def step(self, step: Step) -> None:
        client = self.clients[step.client]
        if client.idles:
            await self.done(step.client)
            return
        if client.box is not None and not client.box.alive:
            await self.bye(step.client)
            return
        if client.box is None and step.action in ONLY_SELECTED:
            await self.select(step)
            return
        await ACTIONS[step.action](self, step)

    async def noop(self, step: Step) -> None:
        await self.noop_of(step.client)

    async def reconnect(self, step: Step) -> None:
        self.log.append(f"{step.client}: (disconnects)")
        self.clients[step.client].unselect()
        await self.reconnect_of(step.client)

    async def restart(self, step: Step) -> None:
        self.log.append("(the server restarts)")
        for client in self.clients:
            if client.box is not None and not client.box.alive:
                client.box = None
            client.unselect()
        for session in self.sessions:
            session.close()
        await self.server.stop()
        self.server.start()
        await self.begin()

    async def forget(self, step: Step) -> None:
        """Retention: what was expunged before can only be told by what is not there."""
        self.log.append("(changes are forgotten)")
        await self.server.references.purge_changes(FUTURE, 100)

    async def restore(self, step: Step) -> None:
        kept = self.shadow.kept[step.x % 7 :: 7][:3]
        kept.sort(key=lambda each: (each.mailbox_id, each.uid))
        self.log.append(f"(restored: {kept})")
        undelete = Undelete(self.server.mail, LocalBus())
        places = [(MailboxId(each.mailbox_id), Uid(each.uid)) for each in kept]
        done = await undelete.restore(ACCOUNT.account_id, places)
        expected = [self.shadow.restore(each) for each in kept]
        assert [(each.target, each.new_uid) for each in done] == expected
        await self.learn()
        await self.wake(-1)

    async def idle(self, step: Step) -> None:
        n, client = step.client, self.clients[step.client]
        client.begin()
        self.log.append(f"{n}: IDLE")
        octets = await said(self.sessions[n].receive(b"i IDLE\r\n"))
        assert octets.startswith(b"+ "), octets
        client.idles = True

    async def select(self, step: Step) -> None:
        client, name = self.clients[step.client], BUSY[step.x % len(BUSY)]
        box = self.shadow.open(name)
        memory = None
        parameter = " (CONDSTORE)" if client.kind is Kind.CONDSTORE else ""
        client.unselect()
        if box is not None and client.kind.resyncs and step.z % 4:
            memory = client.memories.get(box.uid_validity)
        if box is not None and memory is not None:
            parameter = f" (QRESYNC ({box.uid_validity} {memory.mod_seq}{_known(memory, step)}))"
        word = "EXAMINE" if step.y % 4 == 0 else "SELECT"
        if box is None:
            answer = await self.send(step.client, f"{word} {name}{parameter}", expect=b"NO")
            return
        client.select(box, read_only=word == "EXAMINE")
        client.condstore = client.condstore or client.kind is Kind.CONDSTORE
        answer = await self.send(step.client, f"{word} {name}{parameter}")
        assert int(answer.codes[b"UIDNEXT"]) == box.uid_next
        assert int(answer.codes[b"UIDVALIDITY"]) == box.uid_validity
        assert int(answer.codes[b"HIGHESTMODSEQ"]) == box.highest
        if memory is not None:
            _resynced(client, box, memory, answer, knows=step.z % 4 > 1)
        client.check_current()

    async def append(self, step: Step) -> None:
        name, flags = BUSY[step.x % len(BUSY)], _flags(step.y & step.z)
        box = self.shadow.open(name)
        command = f"APPEND {name} ({' '.join(sorted(flags))})"
        literal = _MESSAGE % step.z
        if box is None:
            answer = await self.send(step.client, command, literal=literal, expect=b"NO")
            assert b"TRYCREATE" in answer.codes
            return
        uid = box.add(flags)
        answer = await self.send(step.client, command, literal=literal)
        assert answer.codes[b"APPENDUID"] == b"%d %d" % (box.uid_validity, uid)
        self.clients[step.client].check_current()

    async def store(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        named = _named(client, step.x)
        if box is None or named is None:
            return
        by_uid, silent = step.x % 2 == 0, step.y % 3 == 0
        action, flags = ("+", "-", "")[step.y % 7 % 3], _flags(step.z)
        since, modifier = None, ""
        if client.kind is not Kind.PLAIN and step.z % 5 == 0:
            since = (client.mod_seq, 0, box.highest)[step.y % 3]
            modifier = f" (UNCHANGEDSINCE {since})"
        word = "UID STORE" if by_uid else "STORE"
        command = (
            f"{word} {_set(client, named, by_uid=by_uid)}{modifier} "
            f"{action}FLAGS{'.SILENT' if silent else ''} ({' '.join(sorted(flags))})"
        )
        if client.read_only:
            await self.send(n, command, expect=b"NO", may_expunge=by_uid)
            return
        there = [uid for uid in named if uid in box.messages]
        modified = [] if since is None else [u for u in there if box.mod_seqs[u] > since]
        changing = [uid for uid in there if uid not in modified]
        box.change(changing, action, flags)
        before = list(client.uids)
        touched = set(box.touched)
        some_are_gone = len(there) < len(named) and not modified
        expect = b"NO" if some_are_gone and not silent and not by_uid else b"OK"
        answer = await self.send(n, command, expect=expect, may_expunge=by_uid)
        told = [u if by_uid else before.index(u) + 1 for u in modified]
        assert numbers(answer.codes.get(b"MODIFIED", b"")) == told
        if silent:
            client.silently(changing, action, flags, answer)
            if client.condstore:
                assert touched <= answer.fetched.keys(), "MODSEQ is told with .SILENT, too"
        else:
            assert set(changing) <= answer.fetched.keys()
        if by_uid:
            client.check_current()

    async def fetch(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        named = _named(client, step.x)
        if box is None or named is None:
            return
        by_uid, since, modifier = step.x % 2 == 0, None, ""
        which, vanished = _set(client, named, by_uid=by_uid), False
        if client.kind is not Kind.PLAIN and step.y % 3 == 0:
            since = max((client.mod_seq, 1, box.highest - 1)[step.z % 3], 1)
            vanished = by_uid and client.kind.resyncs and step.y % 2 == 0
            modifier = f" (CHANGEDSINCE {since}{' VANISHED' if vanished else ''})"
            client.condstore = True
        if vanished:
            which, named = "1:*", list(client.uids)
        items = ("FLAGS", "(UID FLAGS)", "(FLAGS MODSEQ)")[step.y % 3]
        if client.kind is Kind.PLAIN and "MODSEQ" in items:
            items = "(UID FLAGS)"
        elif "MODSEQ" in items:
            client.condstore = True
        word = "UID FETCH" if by_uid else "FETCH"
        before = set(client.uids)
        command = f"{word} {which} {items}{modifier}"
        answer = await self.send(n, command, may_expunge=by_uid)
        wanted = {
            uid
            for uid in named
            if uid in box.messages and (since is None or box.mod_seqs[uid] > since)
        }
        assert wanted <= answer.fetched.keys()
        assert all(answer.fetched[uid] is not None for uid in wanted)
        if vanished and since is not None:
            due = {uid for uid, (first, _) in box.gone.items() if first > since} - before
            assert due <= answer.earlier
        if by_uid:
            client.check_current()

    async def search(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        if box is None:
            return
        by_uid = step.x % 2 == 0
        flag = FLAGS[step.y % len(FLAGS)]
        key = f"KEYWORD {flag}" if flag.startswith("$") else flag[1:].upper()
        wanted = [u for u in client.uids if u in box.messages and flag in box.messages[u]]
        if client.kind is not Kind.PLAIN and step.z % 3 == 0:
            since = max(client.mod_seq, 1)
            key = f"{key} MODSEQ {since}"
            wanted = [uid for uid in wanted if box.mod_seqs[uid] >= since]
            client.condstore = True
        before = list(client.uids)
        word = "UID SEARCH" if by_uid else "SEARCH"
        answer = await self.send(n, f"{word} {key}", may_expunge=by_uid)
        assert answer.found == [u if by_uid else before.index(u) + 1 for u in wanted]

    async def transfer(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        named, name = _named(client, step.x), NAMES[step.y % len(NAMES)]
        if box is None or named is None:
            return
        by_uid, moves = step.x % 2 == 0, step.z % 2 == 0
        target = self.shadow.open(name)
        word = f"{'UID ' if by_uid else ''}{'MOVE' if moves else 'COPY'}"
        command = f"{word} {_set(client, named, by_uid=by_uid)} {name}"
        if target is None or (moves and client.read_only):
            answer = await self.send(n, command, expect=b"NO")
            assert client.read_only or b"TRYCREATE" in answer.codes
            return
        there = [uid for uid in named if uid in box.messages]
        looks = [box.messages[uid] for uid in there]
        fresh = [target.add(look) for look in looks]
        if moves:
            box.remove(there)
        answer = await self.send(n, command)
        if there:
            validity, source, placed = answer.codes[b"COPYUID"].split()
            assert int(validity) == target.uid_validity
            assert numbers(source) == there
            assert numbers(placed) == fresh
        else:
            assert b"COPYUID" not in answer.codes
        client.check_current()

    async def expunge(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        if box is None:
            return
        named = _named(client, step.x)
        command, gone = "EXPUNGE", _deleted(client, box)
        if step.y % 2 and named:
            command = f"UID EXPUNGE {_set(client, named, by_uid=True)}"
            gone = [uid for uid in gone if uid in named]
        if client.read_only:
            await self.send(n, command, expect=b"NO")
            return
        self.shadow.expunge(box, gone)
        answer = await self.send(n, command)
        if gone and client.kind.resyncs:
            assert int(answer.codes[b"HIGHESTMODSEQ"]) == box.highest
        client.check_current()

    async def close(self, step: Step) -> None:
        n, client, box = step.client, self.clients[step.client], self.clients[step.client].box
        if box is None:
            return
        command = "UNSELECT" if step.x % 2 else "CLOSE"
        if command == "CLOSE" and not client.read_only:
            self.shadow.expunge(box, _deleted(client, box))
        client.unselect()
        answer = await self.send(n, command)
        assert b"HIGHESTMODSEQ" not in answer.codes, "RFC 7162 section 3.2.8"

    async def status(self, step: Step) -> None:
        name = NAMES[step.x % len(NAMES)]
        box, client = self.shadow.open(name), self.clients[step.client]
        items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED"
        if client.kind is not Kind.PLAIN:
            items += " HIGHESTMODSEQ"
            client.condstore = True
        command = f"STATUS {name} ({items})"
        if box is None:
            await self.send(step.client, command, expect=b"NO")
            return
        answer = await self.send(step.client, command)
        told = dict(re.findall(rb"([A-Z]+) (\d+)", answer.status_line.rpartition(b"(")[2]))
        looks = box.messages.values()
        expected = {
            b"MESSAGES": len(box.messages),
            b"UIDNEXT": box.uid_next,
            b"UIDVALIDITY": box.uid_validity,
            b"UNSEEN": sum("\\Seen" not in look for look in looks),
            b"DELETED": sum(DELETED in look for look in looks),
        }
        if client.kind is not Kind.PLAIN:
            expected[b"HIGHESTMODSEQ"] = box.highest
        assert {key: int(value) for key, value in told.items()} == expected
        client.check_current()

    async def create(self, step: Step) -> None:
        name = NAMES[step.x % len(NAMES)]
        done = self.shadow.create(name)
        await self.send(step.client, f"CREATE {name}", expect=b"OK" if done else b"NO")
        self.clients[step.client].check_current()

    async def delete(self, step: Step) -> None:
        client, name = self.clients[step.client], NAMES[step.x % len(NAMES)]
        box = self.shadow.boxes.get(name)
        done = self.shadow.delete(name)
        if done and client.box is box:
            client.box = None
        answer = await self.send(step.client, f"DELETE {name}", expect=b"OK" if done else b"NO")
        if done and client.box is None and client.uids:
            assert b"CLOSED" in answer.codes
            client.unselect()
        client.check_current()

    async def rename(self, step: Step) -> None:
        source, target = NAMES[step.x % len(NAMES)], NAMES[step.y % len(NAMES)]
        done = self.shadow.rename(source, target)
        command = f"RENAME {source} {target}"
        await self.send(step.client, command, expect=b"OK" if done else b"NO")
        self.clients[step.client].check_current()


def _flags(number: int) -> Look:
    return frozenset(flag for bit, flag in enumerate(FLAGS) if number & 1 << bit)


def _named(client: Client, number: int) -> list[int] | None:
    """Some of the messages the client has; None when it has none."""
    uids = client.uids
    if not uids:
        return None
    first = number // 2 % len(uids)
    return uids[first : first + 1 + number // 16 % 4] if number % 5 else list(uids)


def _set(client: Client, named: list[int], *, by_uid: bool) -> str:
    """As a set in UIDs or numbers; all of them is a range with a star."""
    if named == client.uids:
        return f"{named[0] if by_uid else 1}:*"
    return ",".join(str(uid if by_uid else client.uids.index(uid) + 1) for uid in named)


def _deleted(client: Client, box: Box) -> list[int]:
    """RFC 9051 section 6.4.1: of messages that the client does not know, none is taken."""
    last = client.uids[-1] if client.uids else 0
    return [uid for uid in box.uids if DELETED in box.messages[uid] and uid <= last]


def _known(memory: Memory, step: Step) -> str:
    """The known UIDs, and numbers matched with UIDs, or not (RFC 7162 section 3.2.5)."""
    if step.z % 4 == 1 or not memory.uids:
        return ""
    known = " " + ",".join(map(str, memory.uids))
    if step.z % 4 == 2:
        return known
    places = sorted({len(memory.uids) // 2, len(memory.uids) - 1})
    matched = ",".join(str(memory.uids[place]) for place in places)
    return f"{known} ({','.join(str(place + 1) for place in places)} {matched})"


def _resynced(client: Client, box: Box, memory: Memory, answer: Answer, *, knows: bool) -> None:
    """What the client remembers and what it was told make what is there."""
    left = [uid for uid in memory.uids if uid not in answer.earlier]
    known = set(memory.uids) if knows and memory.uids else set(range(1, box.uid_next))
    assert set(answer.fetched) <= known
    fresh = [uid for uid in answer.fetched if uid not in memory.uids]
    last = memory.uids[-1] if memory.uids else 0
    expected = [uid for uid in box.uids if uid <= last or not (knows and memory.uids)]
    assert sorted({*left, *fresh}) == expected, "QRESYNC left the client with other messages"
    for uid in left:
        if uid in memory.looks:
            client.looks.setdefault(uid, memory.looks[uid])
    # `check_current` compares the flags.


ONLY_SELECTED = frozenset({"store", "fetch", "search", "transfer", "expunge", "close"})
Action = Callable[[Play, Step], Awaitable[None]]
ACTIONS: dict[str, Action] = {
    "append": Play.append,
    "select": Play.select,
    "store": Play.store,
    "fetch": Play.fetch,
    "search": Play.search,
    "transfer": Play.transfer,
    "expunge": Play.expunge,
    "noop": Play.noop,
    "idle": Play.idle,
    "close": Play.close,
    "status": Play.status,
    "create": Play.create,
    "delete": Play.delete,
    "rename": Play.rename,
    "reconnect": Play.reconnect,
    "forget": Play.forget,
    "restore": Play.restore,
    "restart": Play.restart,
}
