"""Threads of messages (RFC 5256 section 3): ORDEREDSUBJECT, REFERENCES and REFS.

Messages are numbers from 0 in mailbox order. Both algorithms are linear but for their sorting,
and give way to other sessions as they go.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from postroad.formats.mime.origin import Origin
from postroad.sessions.imap.turns import Turns, ordered, turn

NONE = -1
# Limit: a reference that would need a longer way up to rule out a loop makes no link.
_LONGEST_WAY = 1000


@dataclass(slots=True)
class Forest:
    """Threads: `roots` and `children` by node. A node from `messages` on is a dummy."""

    messages: int
    roots: list[int] = field(default_factory=list)
    children: dict[int, list[int]] = field(default_factory=dict)

    async def encode(self, numbers: Sequence[int]) -> list[bytes]:
        """Each thread as a ``thread-list``; message i is called `numbers[i]`."""
        turns = Turns()
        lists = []
        for root in self.roots:
            out: list[bytes] = []
            written = 0  # pieces of `out` that are counted
            stack: list[int | None] = [root]
            while stack:
                node = stack.pop()
                if turns.due(1 + len(out) - written):
                    await turn()
                written = len(out)
                if node is None:
                    out.append(b")")
                    continue
                out.append(b"(")
                if node < self.messages:
                    out.append(b"%d" % numbers[node])
                    node = self._down(node, numbers, out)
                stack.append(None)
                stack += reversed(self.children.get(node, ()))
            lists.append(b"".join(out))
        return lists

    def _down(self, node: int, numbers: Sequence[int], out: list[bytes]) -> int:
        """Write the only children below `node`; the last node written."""
        while len(below := self.children.get(node, [])) == 1:
            node = below[0]
            out.append(b" %d" % numbers[node])
        if below:
            out.append(b" ")
        return node


async def by_subject(subjects: Sequence[str], dates: Sequence[int]) -> Forest:
    """ORDEREDSUBJECT: one thread for each base subject, all replies on one level."""
    forest = Forest(len(subjects))
    order = await ordered(range(len(subjects)), dates)
    first: dict[str, int] = {}
    turns = Turns()
    for message in order:
        head = first.setdefault(subjects[message], message)
        if head == message:
            forest.roots.append(message)
        else:
            forest.children.setdefault(head, []).append(message)
        if turns.due():
            await turn()
    return forest


async def by_references(
    origins: Sequence[Origin], subjects: Sequence[str], dates: Sequence[int]
) -> Forest:
    """REFERENCES; the steps have the numbers of RFC 5256."""
    order = await ordered(range(len(origins)), dates)
    rank = await ordered(range(len(order)), order)  # the inverse of `order`
    forest = await _linked(origins, order)
    merger = _Merger(forest, subjects, [origin.is_reply for origin in origins], rank)
    await merger.merge()
    return forest


async def by_references_alone(origins: Sequence[Origin], dates: Sequence[int]) -> Forest:
    """REFS: as REFERENCES, whatever the subjects; the thread with the newest message is last.

    draft-ietf-morg-inthread, as other servers have it.
    """
    order = await ordered(range(len(origins)), dates)
    forest = await _linked(origins, order)
    newest = dict.fromkeys(forest.roots, 0)
    above = {child: node for node, below in forest.children.items() for child in below}
    top: dict[int, int] = {}
    turns = Turns()
    for place, message in enumerate(order):
        way, node = [], message
        while node not in top and node in above:
            way.append(node)
            node = above[node]
        node = top.get(node, node)
        top.update(dict.fromkeys(way, node))
        newest[node] = place
        if turns.due(1 + len(way)):
            await turn()
    places = await ordered(range(len(forest.roots)), [newest[root] for root in forest.roots])
    forest.roots = [forest.roots[place] for place in places]
    return forest


async def _linked(origins: Sequence[Origin], order: Sequence[int]) -> Forest:
    """Steps 1 to 4; `order` is by date."""
    links = _Links()
    turns = Turns()
    for origin in origins:
        links.register(origin.message_id)
        if turns.due():
            await turn()
    for message, origin in enumerate(origins):
        if turns.due(links.add(message, origin.references)):
            await turn()
    forest = Forest(len(origins))
    await _gather(forest, links, order)
    return forest


class _Links:
    """Step 1: who is whose parent. Always without loops."""

    def __init__(self) -> None:
        self._nodes: dict[Hashable, int] = {}
        self.parents: list[int] = []
        self._counts: list[int] = []  # of children
        self._steps = 0

    def register(self, message_id: Hashable | None) -> None:
        """The next message; all are registered before the first is linked."""
        if message_id is not None:
            self._nodes.setdefault(message_id, len(self.parents))
        self._new()

    def add(self, message: int, references: Sequence[Hashable]) -> int:
        """Link one message with its ancestors; returns how many steps it took."""
        self._steps = 1 + len(references)
        nodes = [self._node(reference) for reference in references]
        for parent, child in pairwise(nodes):
            if self.parents[child] == NONE:
                self._link(parent, child)
        old, new = self.parents[message], nodes[-1] if nodes else NONE
        if old != new:
            if old != NONE:
                self._counts[old] -= 1
                self.parents[message] = NONE
            if new != NONE:
                self._link(new, message)
        return self._steps

    def _node(self, message_id: Hashable) -> int:
        node = self._nodes.setdefault(message_id, len(self.parents))
        if node == len(self.parents):
            self._new()
        return node

    def _new(self) -> None:
        self.parents.append(NONE)
        self._counts.append(0)

    def _link(self, parent: int, child: int) -> None:
        if not self._is_below(parent, child):
            self.parents[child] = parent
            self._counts[parent] += 1

    def _is_below(self, node: int, ancestor: int) -> bool:
        """Whether `node` is `ancestor` or below it, or perhaps so."""
        if node == ancestor:
            return True
        if not self._counts[ancestor]:
            return False
        for _ in range(_LONGEST_WAY):
            self._steps += 1
            node = self.parents[node]
            if node in (NONE, ancestor):
                return node == ancestor
        return True


async def _gather(forest: Forest, links: _Links, order: Sequence[int]) -> None:
    """Steps 2 to 4: messages below messages, and dummies only where they hold siblings.

    `order` is by date, so all that is made here is in that order.
    """
    parents, messages = links.parents, forest.messages
    tops: dict[int, int] = {}  # of a dummy: the message above it, else the topmost dummy
    turns = Turns()
    groups: dict[int, list[int]] = {}
    roots: list[int] = []
    for message in order:
        way, node = [], parents[message]
        while node >= messages and node not in tops and parents[node] != NONE:
            way.append(node)
            node = parents[node]
        node = tops.get(node, node)
        for dummy in way:
            tops[dummy] = node
        if NONE < node < messages:
            forest.children.setdefault(node, []).append(message)
        elif node == NONE:
            roots.append(message)
        else:
            if node not in groups:
                groups[node] = []
                roots.append(node)
            groups[node].append(message)
        if turns.due(2 + len(way)):
            await turn()
    for root in roots:
        below = groups.get(root)
        if below is None or len(below) == 1:
            forest.roots.append(root if below is None else below[0])
        else:
            forest.roots.append(root)
            forest.children[root] = below


class _Merger:
    """Steps 5 and 6: threads with the same subject become one. `rank` is the order by date."""

    def __init__(
        self,
        forest: Forest,
        subjects: Sequence[str],
        is_reply: Sequence[bool],
        rank: Sequence[int],
    ) -> None:
        self._forest = forest
        self._subjects = subjects
        self._is_reply = is_reply
        self._rank = rank
        self._table: dict[str, int] = {}
        self._next = max(forest.messages, *forest.roots, 0) + 1

    async def merge(self) -> None:
        turns = Turns()
        roots = self._forest.roots
        for root in roots:
            self._enter(root)
            if turns.due(2):
                await turn()
        kept = dict.fromkeys(roots)
        for root in roots:
            self._join(root, kept)
            if turns.due(3):
                await turn()
        for below in self._forest.children.values():
            if len(below) > 1:
                below.sort(key=self._rank.__getitem__)
                if turns.due(len(below)):
                    await turn()
        merged = list(kept)
        ranks = [self._rank[self._first(root)] for root in merged]
        self._forest.roots = [merged[place] for place in await ordered(range(len(merged)), ranks)]

    def _is_dummy(self, node: int) -> bool:
        return node >= self._forest.messages

    def _first(self, node: int) -> int:
        """The message itself; of a dummy its first child."""
        return self._forest.children[node][0] if self._is_dummy(node) else node

    def _replies(self, node: int) -> bool:
        return not self._is_dummy(node) and self._is_reply[node]

    def _enter(self, root: int) -> None:
        """Step 5.B."""
        subject = self._subjects[self._first(root)]
        if not subject:
            return
        held = self._table.setdefault(subject, root)
        if self._is_dummy(held) or held == root:
            return
        if self._is_dummy(root) or (self._replies(held) and not self._replies(root)):
            self._table[subject] = root

    def _join(self, root: int, kept: dict[int, None]) -> None:
        """Step 5.C."""
        children = self._forest.children
        subject = self._subjects[self._first(root)]
        held = self._table.get(subject, root)
        if held == root:
            return
        del kept[root]
        if self._is_dummy(held):
            children[held] += children.pop(root) if self._is_dummy(root) else [root]
        elif self._replies(root) and not self._replies(held):
            children.setdefault(held, []).append(root)
        else:
            del kept[held]
            dummy, self._next = self._next, self._next + 1
            children[dummy] = sorted((held, root), key=self._rank.__getitem__)
            kept[dummy] = None
            self._table[subject] = dummy
