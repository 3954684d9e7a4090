"""From the figures of all rounds to a table, for the terminal and for `docs/performance.md`."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.measurements import Figures
from bench.rows import Row

_BEGIN = "<!-- figures of `python -m {} --write` -->\n"
_END = "<!-- end of the figures -->\n"
_INTRODUCTION = """# Performance

What `make bench` measures is described in `bench/`: the servers take turns on one machine, each
ratio is the median of the rounds' ratios, and CPU is the server's for one operation.

"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row, measured: the figures of each round by server, ours first."""

    row: Row
    rounds: Mapping[str, Sequence[Figures]]

    def median(self, server: str, key: str) -> float | None:
        values = [figures[key] for figures in self.rounds.get(server, ()) if key in figures]
        return statistics.median(values) if values else None

    @property
    def times_better(self) -> float | None:
        """How many times better than the peer we are, by the figure that counts."""
        ours, *others = self.rounds.values()
        if not others:
            return None
        pairs = [
            (mine[self.row.key], theirs[self.row.key])
            for mine, theirs in zip(ours, others[0], strict=True)
        ]
        if self.row.less_is_better:
            return statistics.median(theirs / max(mine, 1e-9) for mine, theirs in pairs)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    @property
    def is_met(self) -> bool | None:
        """None: there is nothing to compare with."""
        if self.row.is_ratio:
            return None if self.times_better is None else self.times_better >= self.row.goal
        value = self.median(next(iter(self.rounds)), self.row.key)
        return value is not None and value <= self.row.goal


def table(outcomes: Sequence[Outcome]) -> str:
    """As Markdown."""
    lines = [
        "| | ours | peer | ours CPU us | peer CPU us | times better | goal | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for outcome in outcomes:
        row = outcome.row
        ours, *others = outcome.rounds
        peer = others[0] if others else ""
        goal = f"{row.goal:.3g} times" if row.is_ratio else f"at most {row.goal:.3g}"
        verdict = {True: "met", False: "**not met**", None: "not compared"}[outcome.is_met]
        cells = [
            f"{row.title} ({row.key.replace('_', ' ')})",
            figure(outcome.median(ours, row.key)),
            figure(outcome.median(peer, row.key)),
            figure(outcome.median(ours, "cpu_us")),
            figure(outcome.median(peer, "cpu_us")),
            figure(outcome.times_better),
            goal,
            verdict,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def machine() -> str:
    """What the figures were taken on."""
    return f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"


def write(path: Path, text: str, command: str = "bench") -> None:
    """Put the figures of a command into the page, in place of those that are there."""
    begin = _BEGIN.format(command)
    block = f"{begin}\n{date.today().isoformat()}, {machine()}\n\n{text}\n{_END}"
    page = path.read_text() if path.exists() else _INTRODUCTION
    before, _, rest = page.partition(begin)
    after = rest.partition(_END)[2]
    path.write_text(before.rstrip("\n") + "\n\n" + block + after)


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
