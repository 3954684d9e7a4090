"""A model of an account's mailboxes by IMAP's rules alone: what must be true after each command.

It knows no store. MODSEQ values are the server's to choose: they are learned after each command,
and what is demanded of them is that they grow (RFC 7162 section 3.1).
"""

from dataclasses import dataclass, field

Look = frozenset[str]
DELETED = "\\Deleted"


@dataclass(eq=False)
class Box:
    name: str
    uid_next: int = 1
    uid_validity: int = 0  # learned
    mailbox_id: int = 0  # learned
    highest: int = 0  # learned
    selectable: bool = True
    messages: dict[int, Look] = field(default_factory=dict)
    mod_seqs: dict[int, int] = field(default_factory=dict)  # learned
    # UIDs, and between which mod_seqs they went: a command may be carried out in slices.
    gone: dict[int, tuple[int, int]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)  # by the present command
    removed: set[int] = field(default_factory=set)  # by the present command
    alive: bool = True
    recent: dict[int, object] = field(default_factory=dict)  # UIDs, and who was told first

    @property
    def uids(self) -> list[int]:
        return sorted(self.messages)

    def add(self, look: Look) -> int:
        uid = self.uid_next
        self.uid_next += 1
        self.messages[uid] = look
        self.touched.add(uid)
        return uid

    def remove(self, uids: list[int]) -> None:
        for uid in uids:
            del self.messages[uid]
            self.mod_seqs.pop(uid, None)
            self.touched.discard(uid)
            self.removed.add(uid)

    def change(self, uids: list[int], action: str, flags: Look) -> None:
        for uid in uids:
            new = changed(self.messages[uid], action, flags)
            if new != self.messages[uid]:
                self.messages[uid] = new
                self.touched.add(uid)

    def learn(self, highest: int, mod_seqs: dict[int, int]) -> None:
        """Take over what the server chose, if it is allowed to choose it."""
        if self.touched or self.removed:
            assert highest > self.highest, f"{self.name}: HIGHESTMODSEQ has to grow"
        for uid, mod_seq in mod_seqs.items():
            if uid in self.touched:
                assert self.highest < mod_seq <= highest, f"{self.name}: MODSEQ of UID {uid}"
            else:
                assert mod_seq == self.mod_seqs[uid], f"{self.name}: UID {uid} was not touched"
        assert highest >= self.highest
        self.gone |= dict.fromkeys(self.removed, (self.highest + 1, highest))
        self.highest, self.mod_seqs = highest, mod_seqs
        self.touched, self.removed = set(), set()


def changed(look: Look, action: str, flags: Look) -> Look:
    if action == "+":
        return look | flags
    return look - flags if action == "-" else flags


@dataclass(frozen=True)
class Kept:
    """A message that was expunged, or was in a mailbox that was deleted."""

    mailbox_id: int
    uid: int
    name: str
    look: Look


class Shadow:
    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {"INBOX": Box("INBOX")}
        self.kept: list[Kept] = []

    def expunge(self, box: Box, uids: list[int]) -> None:
        self._keep(box, uids)
        box.remove(uids)

    def _keep(self, box: Box, uids: list[int]) -> None:
        self.kept += [Kept(box.mailbox_id, uid, box.name, box.messages[uid]) for uid in uids]

    def restore(self, kept: Kept) -> tuple[str, int]:
        """Where it goes to, and its UID there."""
        self.kept.remove(kept)
        same = [box for box in self.boxes.values() if box.mailbox_id == kept.mailbox_id]
        named = [self.boxes[name] for name in (kept.name, "INBOX") if name in self.boxes]
        box = next(box for box in [*same, *named] if box.selectable)
        return box.name, box.add(kept.look - {DELETED})

    def open(self, name: str) -> Box | None:
        """A mailbox that can be selected."""
        box = self.boxes.get(name)
        return box if box is not None and box.selectable else None

    def _children(self, name: str) -> list[Box]:
        return [box for box in self.boxes.values() if box.name.startswith(f"{name}/")]

    def _parents(self, name: str) -> None:
        levels = name.split("/")
        for depth in range(1, len(levels)):
            parent = "/".join(levels[:depth])
            if parent not in self.boxes:
                self.boxes[parent] = Box(parent)

    def create(self, name: str) -> bool:
        old = self.boxes.get(name)
        if old is not None and old.selectable:
            return False
        made = Box(name)
        if old is not None:
            made.uid_next = old.uid_next  # UIDs of a name are not given out twice
        self.boxes[name] = made
        self._parents(name)
        return True

    def delete(self, name: str) -> bool:
        box, children = self.boxes.get(name), self._children(name)
        if box is None or name == "INBOX" or (children and not box.selectable):
            return False
        box.alive = False
        self._keep(box, box.uids)
        del self.boxes[name]
        if children:
            self.boxes[name] = Box(name, uid_next=box.uid_next, selectable=False)
        return True

    def rename(self, source: str, target: str) -> bool:
        box = self.boxes.get(source)
        if box is None or target in self.boxes or target.startswith(f"{source}/"):
            return False
        if source == "INBOX":
            self.create(target)
            for uid in box.uids:
                self.boxes[target].add(box.messages[uid])
            box.remove(box.uids)
            return True
        if self._children(target):
            return False
        moved = [box, *self._children(source)]
        self._parents(target)
        for each in moved:
            del self.boxes[each.name]
            each.name = target + each.name[len(source) :]
            self.boxes[each.name] = each
        return True
