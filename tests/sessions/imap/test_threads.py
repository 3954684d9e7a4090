"""Threads against RFC 5256 as it is written, step by step, slow and with objects."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Optional

from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.origin import Origin
from postroad.sessions.imap.threads import by_references, by_references_alone, by_subject


@dataclass(eq=False)
class Node:
    message: int | None = None  # None: a dummy
    parent: Optional["Node"] = None
    children: list["Node"] = field(default_factory=list)

    def is_below(self, other: "Node") -> bool:
        node: Node | None = self
        while node is not None and node is not other:
            node = node.parent
        return node is other

    def move(self, parent: Optional["Node"]) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
        self.parent = parent
        if parent is not None:
            parent.children.append(self)


class AsWritten:
    def __init__(self, origins: list[Origin], subjects: list[str], dates: list[int]) -> None:
        self.origins, self.subjects, self.dates = origins, subjects, dates
        self.nodes: dict[Hashable, Node] = {}
        self.own: list[Node] = []
        self.root = Node()

    def text(self) -> str:
        self.link()
        self.prune(self.root)
        self.sort(self.root)
        self.merge()
        self.sort(self.root)
        return "".join(map(self.told, self.root.children))

    def text_of_refs(self) -> str:
        """Subjects play no part; what has the newest message comes last."""
        self.link()
        self.prune(self.root)
        self.sort(self.root)
        self.root.children.sort(key=lambda child: max(map(self.date, self.messages(child))))
        return "".join(map(self.told, self.root.children))

    def messages(self, node: Node) -> list[int]:
        own = [] if node.message is None else [node.message]
        return own + [each for child in node.children for each in self.messages(child)]

    def link(self) -> None:
        for n, origin in enumerate(self.origins):
            node = Node(n)
            self.own.append(node)
            if origin.message_id is not None:
                self.nodes.setdefault(origin.message_id, node)
        for node, origin in zip(self.own, self.origins, strict=True):
            line = [self.nodes.setdefault(each, Node()) for each in origin.references]
            for parent, child in pairwise(line):
                if child.parent is None and not parent.is_below(child):
                    child.move(parent)
            node.move(None)
            if line and not line[-1].is_below(node):
                node.move(line[-1])
        dummies = [node for node in self.nodes.values() if node.message is None]
        for node in self.own + dummies:
            if node.parent is None:
                node.move(self.root)

    def prune(self, node: Node) -> None:
        for child in list(node.children):
            self.prune(child)
            if child.message is not None:
                continue
            if node is self.root and len(child.children) > 1:
                continue
            for grandchild in list(child.children):
                grandchild.move(node)
            child.move(None)

    def first(self, node: Node) -> int:
        return (
            min(map(self.first, node.children), key=self.date)
            if (node.message is None)
            else node.message
        )

    def date(self, message: int) -> tuple[int, int]:
        return self.dates[message], message

    def sort(self, node: Node) -> None:
        for child in node.children:
            self.sort(child)
        node.children.sort(key=lambda child: self.date(self.first(child)))

    def is_reply(self, node: Node) -> bool:
        return node.message is not None and self.origins[node.message].is_reply

    def merge(self) -> None:
        table: dict[str, Node] = {}
        named = {node: self.subjects[self.first(node)] for node in self.root.children}
        for node, subject in named.items():
            if not subject:
                continue
            held = table.setdefault(subject, node)
            if held.message is not None and (
                node.message is None or (self.is_reply(held) and not self.is_reply(node))
            ):
                table[subject] = node
        for node, subject in named.items():
            if not subject or table[subject] is node:
                continue
            held = table[subject]
            if held.message is None and node.message is None:
                for child in list(node.children):
                    child.move(held)
                node.move(None)
            elif held.message is None or (self.is_reply(node) and not self.is_reply(held)):
                node.move(held)
            else:
                table[subject] = dummy = Node()
                dummy.move(self.root)
                held.move(dummy)
                node.move(dummy)

    def told(self, node: Node) -> str:
        return f"({self.inner(node)})"

    def inner(self, node: Node) -> str:
        below = [self.inner(child) for child in node.children]
        rest = below[0] if len(below) == 1 else "".join(f"({each})" for each in below)
        return " ".join(
            filter(None, ["" if node.message is None else f"{node.message + 1}", rest])
        )


IDS = st.sampled_from("abcdefgh")
MESSAGES = st.lists(
    st.tuples(
        st.builds(
            Origin,
            st.none() | IDS,
            st.lists(IDS, max_size=4, unique=True).map(tuple),
            st.booleans(),
        ),
        st.sampled_from(["", "X", "Y", "Z"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


async def references(origins: list[Origin], subjects: list[str], dates: list[int]) -> str:
    forest = await by_references(origins, subjects, dates)
    return b"".join(await forest.encode(range(1, len(origins) + 1))).decode()


@given(MESSAGES)
async def test_references(messages: list[tuple[Origin, str, int]]) -> None:
    origins = [each[0] for each in messages]
    subjects = [each[1] for each in messages]
    dates = [each[2] for each in messages]
    assert await references(origins, subjects, dates) == AsWritten(origins, subjects, dates).text()


@given(MESSAGES)
async def test_refs(messages: list[tuple[Origin, str, int]]) -> None:
    origins, dates = [each[0] for each in messages], [each[2] for each in messages]
    forest = await by_references_alone(origins, dates)
    told = b"".join(await forest.encode(range(1, len(origins) + 1))).decode()
    assert told == AsWritten(origins, [""] * len(origins), dates).text_of_refs()


@given(st.lists(st.tuples(st.sampled_from(["", "X", "Y"]), st.integers(0, 5)), max_size=20))
async def test_ordered_subject(messages: list[tuple[str, int]]) -> None:
    forest = await by_subject([one for one, _ in messages], [two for _, two in messages])
    order = sorted(range(len(messages)), key=lambda n: (messages[n][1], n))
    threads: dict[str, list[int]] = {}
    for n in order:
        threads.setdefault(messages[n][0], []).append(n + 1)
    want = ""
    for first, *rest in threads.values():
        told = f" {rest[0]}" if len(rest) == 1 else " " + "".join(f"({n})" for n in rest)
        want += f"({first}{told if rest else ''})"
    assert b"".join(await forest.encode(range(1, len(messages) + 1))).decode() == want


async def test_long_chains_take_linear_time() -> None:
    """Also in the order that makes each new message the parent of all that came before."""
    count = 20_000
    chain = [Origin(f"{n}", (f"{n - 1}",) if n else (), False) for n in range(count)]
    for origins in (chain, chain[::-1]):
        told = await references(origins, ["X"] * count, list(range(count)))
        assert told.count("(") == 1
        assert len(told.split()) == count


async def test_a_way_that_is_too_long_makes_no_link() -> None:
    """Pairs that are hung below a long chain, one after the other."""
    count = 3000
    pairs = [
        origin
        for n in range(count)
        for origin in (
            Origin(f"child{n}", (f"parent{n}",), False),
            Origin(f"parent{n}", (f"child{n - 1}",) if n else (), False),
        )
    ]
    told = await references(pairs, [""] * len(pairs), list(range(len(pairs))))
    assert len(told.replace("(", " ").split()) == len(pairs)
    assert told.count("(") < 10
