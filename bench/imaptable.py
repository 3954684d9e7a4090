"""`python -m bench imap`: every command of IMAP beside Dovecot, whose better format counts."""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import peers, postroad
from bench.imaprows import ROWS, ImapPlan, ImapRow, fill, settle
from bench.measurements import Figures
from bench.report import figure, machine, write
from bench.servers import Server

_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_FORMATS = ("mdbox", "maildir")


@dataclass(frozen=True, slots=True)
class Line:
    """One row, measured: the figures of each round by server, ours first."""

    row: ImapRow
    rounds: Mapping[str, Sequence[Figures]]

    def median(self, server: str, key: str) -> float | None:
        values = [figures[key] for figures in self.rounds.get(server, ()) if key in figures]
        return statistics.median(values) if values else None

    @property
    def best_peer(self) -> str | None:
        found = {name: self.median(name, self.row.key) for name in list(self.rounds)[1:]}
        known = {name: value for name, value in found.items() if value is not None}
        return min(known, key=known.__getitem__) if known else None

    @property
    def times_better(self) -> float | None:
        """Than the better peer."""
        ours = self.median(next(iter(self.rounds)), self.row.key)
        theirs = self.median(self.best_peer or "", self.row.key)
        return None if ours is None or theirs is None else theirs / max(ours, 1e-9)

    def cells(self) -> list[str]:
        names = list(self.rounds)
        unit = {"seconds": 1e3, "kib": 1.0}[self.row.key]
        values = [self.median(name, self.row.key) for name in names]
        shown = [figure(None if value is None else value * unit) for value in values]
        cpu = [self.median(name, "cpu_ms") for name in (names[0], self.best_peer or "")]
        times = self.times_better
        verdict = "" if times is None else "ahead" if times >= 1 else "**behind**"
        return [self.row.title, *shown, *map(figure, cpu), figure(times), verdict]


def table(lines: Sequence[Line], plan: ImapPlan) -> str:
    names = list(lines[0].rounds)
    head = ["", *(f"{name} ms" for name in names), "CPU ms", "peer's", "times better", ""]
    rows = [head, ["---"] * len(head), *(line.cells() for line in lines)]
    about = (
        f"A mailbox of {plan.mailbox:,} messages; {plan.logins:,} logins, {plan.sessions:,}"
        f" sessions in IDLE, {plan.idle:,} idle connections; Dovecot's better format counts.\n\n"
    )
    return about + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def main(words: Sequence[str]) -> int:
    arguments = _arguments(words)
    plan = ImapPlan(arguments.mailbox, arguments.logins, arguments.sessions, arguments.idle)
    rows = [row for row in ROWS if not arguments.rows or row.name in arguments.rows]
    folder = Path(tempfile.mkdtemp(prefix="postroad-bench-", dir=arguments.folder))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = _start(arguments.alone, folder, stack)
        for server in servers:
            _say(f"filling the large mailbox of {server.name}")
            fill(server, plan)
            settle(server)
        lines = [_measure(row, servers, plan, arguments.rounds) for row in rows]
    text = table(lines, plan)
    print(f"\n{machine()}\n\n{text}")
    if arguments.write:
        write(_PAGE, text, "bench imap")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench imap", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(names)} (all)")
    parser.add_argument("--mailbox", type=int, default=10_000, help="messages of the large one")
    parser.add_argument("--rounds", type=int, default=3, help="after one to warm up")
    parser.add_argument("--logins", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=1_000, help="in IDLE, for one delivery")
    parser.add_argument("--idle", type=int, default=5_000, help="connections over TLS")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--folder", type=Path, help="where to keep mail (a temporary folder)")
    parser.add_argument("--write", action="store_true", help=f"the figures into {_PAGE.name}")
    arguments = parser.parse_args(words)
    if unknown := set(arguments.rows) - set(names):
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    return arguments


def _start(alone: bool, folder: Path, stack: ExitStack) -> list[Server]:
    servers = [postroad.start(folder / "ours")]
    stack.callback(servers[0].stop)
    reason = "as asked for" if alone else peers.why_not()
    if reason is not None:
        _say(f"Without Dovecot, and so without ratios: {reason}")
        return servers
    for mail_format in _FORMATS:
        servers.append(peers.start(folder / mail_format, mail_format))
        stack.callback(servers[-1].stop)
    return servers


def _measure(row: ImapRow, servers: Sequence[Server], plan: ImapPlan, rounds: int) -> Line:
    """The servers in turns; of several rounds the first does not count."""
    found: dict[str, list[Figures]] = {server.name: [] for server in servers}
    count = row.rounds or rounds + 1
    for number in range(count):
        for server in servers:
            figures = row.measure(server, plan, number)
            _say(f"{row.name} {server.name}: {figures[row.key]:.4g} {row.key}")
            if count == 1 or number:
                found[server.name].append(figures)
    return Line(row, found)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
