"""Run a written conversation against a server.

# a remark                     given: mailbox INBOX 3     (set-up, known to the driver)
C: what the client sends       S: what must come back
S: ...    skip lines up to the next S: that matches
{uid}     remember a word, and want the same word wherever {uid} stands again
{...}     any rest of the line
C2: S2:   a second client; up to nine may take part
"""

import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_STEP = re.compile(r"(given|[CS][1-9]?):(?: (.*))?\Z")
Send = Callable[[str, bytes], Awaitable[Mapping[str, bytes]]]
"""Sends octets of one client; returns what each client received because of it."""
Prepare = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Step:
    line: int
    verb: str  # "given", "C" or "S"
    client: str
    text: str


def read(path: Path) -> list[Step]:
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _STEP.match(line)
        assert match, f"{path}:{number}: not a step: {line}"
        who, text = match[1], match[2] or ""
        steps.append(Step(number, "given" if who == "given" else who[0], who[1:] or "1", text))
    return steps


def fits(want: str, got: str, known: dict[str, str]) -> bool:
    """Whether `got` is what `want` describes; remembers the words it captures."""
    pattern, seen = "", set[str]()
    for piece in re.split(r"(\{[^}]*\})", want):
        name = piece[1:-1]
        if not (piece.startswith("{") and (name == "..." or name.isidentifier())):
            pattern += re.escape(piece)
        elif name == "...":
            pattern += ".*"
        elif name in known:
            pattern += re.escape(known[name])
        else:
            pattern += f"(?P={name})" if name in seen else rf"(?P<{name}>[^\s\])]+)"
            seen.add(name)
    match = re.fullmatch(pattern, got)
    if match:
        known.update(match.groupdict())
    return match is not None


async def play(path: Path, send: Send, prepare: Prepare) -> None:
    """Every line of the server must be asked for, in its order."""
    known: dict[str, str] = {}
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)
    skipping: set[str] = set()
    for step in read(path):
        where = f"{path.name}:{step.line}"
        lines = waiting[step.client]
        if step.verb == "given":
            await prepare(step.text)
        elif step.verb == "C":
            if step.client in skipping:
                lines.clear()
                skipping.discard(step.client)
            assert not lines, f"{where}: nobody expected {lines[0]!r}"
            sent = re.sub(r"\{([a-z_]\w*)\}", lambda m: known.get(m[1], m[0]), step.text)
            answers = await send(step.client, sent.encode() + b"\r\n")
            for client, answer in answers.items():
                waiting[client].extend(answer.decode().split("\r\n")[:-1])
        elif step.text == "...":
            skipping.add(step.client)
        else:
            while step.client in skipping and lines and not fits(step.text, lines[0], known):
                lines.popleft()
            skipping.discard(step.client)
            assert lines, f"{where}: want {step.text!r}, got nothing"
            got = lines.popleft()
            assert fits(step.text, got, known), f"{where}: want {step.text!r}, got {got!r}"
    for client, lines in waiting.items():
        assert not lines or client in skipping, f"{path.name}: left over {lines[0]!r}"
