"""Clients that keep mail over IMAP, and know to the last flag what must be in their mailboxes."""

import copy
import threading

from crash.imap import Imap, Reply, uid_set, uids_of
from crash.ledger import Violation, message_of
from crash.workers import CAROL, Desk, Worker
from support.server import ALICE

Contents = dict[str, dict[str, frozenset[str]]]
"""Mailboxes, the keys of their messages, and the flags of these."""

_FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "$Forwarded", "ledger")
_OPERATIONS = 25  # with one mailbox selected
_MOST = 120  # messages in a mailbox, before only expunges follow


def observe(
    desk: Desk, imap: Imap, address: str, box: str
) -> dict[int, tuple[str, frozenset[str]]]:
    """Select a mailbox and see all of it; its counters and UIDs are compared with the ledger."""
    floor = desk.ledger.floor(address, box)
    selected = imap.command(f"SELECT {box} (CONDSTORE)")
    uid_validity, uid_next, mod_seq = (
        int(selected.code(name)[0]) for name in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ")
    )
    desk.ledger.saw_counters(
        address, box, floor, uid_validity=uid_validity, uid_next=uid_next, mod_seq=mod_seq
    )
    fetched = imap.command("UID FETCH 1:* (UID FLAGS MODSEQ ENVELOPE)")
    found = {}
    for message in fetched.messages():
        if message.key:
            desk.ledger.saw_uid(address, box, message.uid, message.key)
            found[message.uid] = message.key, message.flags
    return found


class Keeper(Worker):
    """`held` is what its two mailboxes have; with `after`, one operation has no answer yet."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.boxes = f"{desk.name}-a", f"{desk.name}-b"
        self._held: Contents = {box: {} for box in self.boxes}
        self._after: Contents | None = None
        self._uids: dict[str, dict[str, int]] = {}
        self._are_made = False

    def recover(self) -> None:
        with self.desk.imap(CAROL) as imap:
            if not self._are_made:
                for box in self.boxes:
                    imap.command(f"CREATE {box}")
                self._are_made = True
            self._compare(imap)

    def session(self, stop: threading.Event) -> None:
        with self.desk.imap(CAROL) as imap:
            self._compare(imap)
            while not stop.is_set():
                box = self.desk.chance.choice(self.boxes)
                imap.command(f"SELECT {box} (CONDSTORE)")
                for _ in range(_OPERATIONS):
                    if stop.is_set():
                        break
                    self._operate(imap, box)
                    stop.wait(self.desk.chance.random() * 0.02)

    def _compare(self, imap: Imap) -> None:
        """What is there is what was before, or what an unanswered operation made of it, whole."""
        actual: Contents = {}
        for box in self.boxes:
            found = observe(self.desk, imap, CAROL, box)
            actual[box] = dict(found.values())
            if len(actual[box]) != len(found):
                raise Violation(f"{box} has a message twice: {found}")
            uids = {key: uid for uid, (key, _) in found.items()}
            for key, uid in self._uids.get(box, {}).items():
                if key in uids and key in self._held[box] and uids[key] != uid:
                    raise Violation(f"{box}: {key} had UID {uid} and has {uids[key]}")
            self._uids[box] = uids
        if actual not in (self._held, self._after):
            raise Violation(_difference(self._held, self._after, actual))
        self._held, self._after = actual, None

    def _operate(self, imap: Imap, box: str) -> None:
        keys, chance = list(self._held[box]), self.desk.chance
        if len(keys) > _MOST:
            self._expunge(imap, box, keys)
            return
        often = [self._append, self._store, self._move, self._copy]
        operation = chance.choice([*often, *often, self._expunge] if len(keys) > 5 else often[:1])
        operation(imap, box, chance.sample(keys, min(len(keys), chance.randrange(1, 5))))

    def _append(self, imap: Imap, box: str, _: list[str]) -> None:
        key, flags = self.new_key(), self._flags()
        after = self._copied()
        after[box][key] = flags
        command = f"APPEND {box} ({' '.join(sorted(flags))})"
        reply = self._attempt(imap, after, command, message_of(key, CAROL))
        self._know(box, key, int(reply.code(b"APPENDUID")[1]))

    def _store(self, imap: Imap, box: str, keys: list[str]) -> None:
        flags, sign = self._flags(), self.desk.chance.choice(["+", "-", ""])
        after = self._copied()
        for key in keys:
            old = after[box][key]
            after[box][key] = {"+": old | flags, "-": old - flags, "": flags}[sign]
        command = f"{sign}FLAGS ({' '.join(sorted(flags))})"
        reply = self._attempt(imap, after, f"UID STORE {self._set(box, keys)} {command}")
        for mod_seq in reply.mod_seqs():
            self.desk.ledger.saw_mod_seq(CAROL, box, mod_seq)

    def _move(self, imap: Imap, box: str, keys: list[str]) -> None:
        self._transfer(imap, box, keys, "MOVE")

    def _copy(self, imap: Imap, box: str, keys: list[str]) -> None:
        self._transfer(imap, box, keys, "COPY")

    def _transfer(self, imap: Imap, box: str, keys: list[str], verb: str) -> None:
        """Those that the other mailbox does not have."""
        other = self.boxes[1 - self.boxes.index(box)]
        keys = [key for key in keys if key not in self._held[other]]
        if not keys:
            return
        after = self._copied()
        for key in keys:
            after[other][key] = after[box][key]
            if verb == "MOVE":
                del after[box][key]
        reply = self._attempt(imap, after, f"UID {verb} {self._set(box, keys)} {other}")
        _, source, target = reply.code(b"COPYUID")
        by_uid = {self._uids[box][key]: key for key in keys}
        if sorted(uids_of(source)) != sorted(by_uid):
            raise Violation(f"{verb} of {sorted(by_uid)} answered {reply}")
        for old, new in zip(uids_of(source), uids_of(target), strict=True):
            self._know(other, by_uid[old], new)

    def _expunge(self, imap: Imap, box: str, keys: list[str]) -> None:
        """Mark some, then remove these (UIDPLUS), or all that are marked."""
        marked = self._copied()
        for key in keys:
            marked[box][key] |= {"\\Deleted"}
        self._attempt(imap, marked, f"UID STORE {self._set(box, keys)} +FLAGS.SILENT (\\Deleted)")
        after = self._copied()
        only_these = self.desk.chance.random() < 0.7
        doomed = [key for key, flags in after[box].items() if "\\Deleted" in flags]
        for key in keys if only_these else doomed:
            del after[box][key]
        command = f"UID EXPUNGE {self._set(box, keys)}" if only_these else "EXPUNGE"
        self._attempt(imap, after, command)

    def _attempt(
        self, imap: Imap, after: Contents, command: str, literal: bytes | None = None
    ) -> Reply:
        self._after = after
        reply = imap.command(command, literal)
        self._held, self._after = after, None
        return reply

    def _know(self, box: str, key: str, uid: int) -> None:
        self._uids[box][key] = uid
        self.desk.ledger.saw_uid(CAROL, box, uid, key)

    def _set(self, box: str, keys: list[str]) -> str:
        return uid_set([self._uids[box][key] for key in keys])

    def _flags(self) -> frozenset[str]:
        return frozenset(self.desk.chance.sample(_FLAGS, self.desk.chance.randrange(1, 4)))

    def _copied(self) -> Contents:
        return copy.deepcopy(self._held)


def _difference(held: Contents, after: Contents | None, actual: Contents) -> str:
    lines = ["the mailboxes are neither as acknowledged nor as after the unanswered operation"]
    for name, wanted in (("acknowledged", held), ("afterwards", after)):
        for box, messages in (wanted or {}).items():
            found = actual[box]
            lines += [
                f"{box}: {key}: {name} {messages.get(key)}, found {found.get(key)}"
                for key in sorted(messages.keys() | found.keys())
                if messages.get(key) != found.get(key)
            ]
    return "\n".join(lines)


class Mover(Worker):
    """Moves what arrives for Alice to her archive while more arrives."""

    def recover(self) -> None:
        with self.desk.imap(ALICE) as imap:
            for box in ("INBOX", "Archive"):
                observe(self.desk, imap, ALICE, box)

    def session(self, stop: threading.Event) -> None:
        with self.desk.imap(ALICE) as imap:
            while not stop.wait(self.desk.chance.random() * 0.1):
                found = observe(self.desk, imap, ALICE, "INBOX")
                if not found:
                    continue
                chosen = self.desk.chance.sample(sorted(found), min(len(found), 10))
                reply = imap.command(f"UID MOVE {uid_set(chosen)} Archive")
                _, source, target = reply.code(b"COPYUID")
                for old, new in zip(uids_of(source), uids_of(target), strict=True):
                    self.desk.ledger.saw_uid(ALICE, "Archive", new, found[old][0])
