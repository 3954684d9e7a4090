"""Start the servers, measure them in turns, print the table.

`python -m bench imap` is a table of its own: every command of IMAP beside Dovecot.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import imaptable, measurements, peers, postroad
from bench.measurements import Figures, Plan
from bench.report import Outcome, machine, table, write
from bench.rows import ROWS, Row
from bench.servers import Server

_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(names)} (all)")
    parser.add_argument("--rounds", type=int, default=3, help="after one to warm up")
    parser.add_argument("--messages", type=int, default=2000, help="sent over SMTP in a round")
    parser.add_argument("--workers", type=int, default=1, help="processes of ours")
    parser.add_argument("--mailbox", type=int, default=20_000, help="messages of the large one")
    parser.add_argument("--logins", type=int, default=400)
    parser.add_argument("--idle", type=int, nargs=2, default=(100, 300), metavar="CONNECTIONS")
    parser.add_argument("--deliveries", type=int, default=20, help="watched from IDLE in a round")
    parser.add_argument("--sends", type=int, default=1000, help="over the REST API in a round")
    parser.add_argument("--rest-seconds", type=float, default=60.0, help="before memory is read")
    parser.add_argument("--format", choices=peers.FORMATS, default="mdbox", help="of Dovecot")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--folder", type=Path, help="where to keep mail (a temporary folder)")
    parser.add_argument("--write", action="store_true", help=f"the figures into {_PAGE.name}")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(names):
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    return arguments


def main() -> int:
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="postroad-bench-", dir=arguments.folder))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = _start(arguments, folder, stack)
        plan = Plan(
            arguments.messages,
            arguments.mailbox,
            arguments.logins,
            (arguments.idle[0], arguments.idle[1]),
            arguments.deliveries,
            arguments.sends,
            folder,
        )
        rows = [row for row in ROWS if not arguments.rows or row.name in arguments.rows]
        if any(row.name == "rest" for row in rows):
            time.sleep(arguments.rest_seconds)
        outcomes = _measure(servers, plan, rows, arguments.rounds)
    text = table(outcomes)
    print(f"\n{machine()}; {' beside '.join(server.name for server in servers)}\n\n{text}")
    if arguments.write:
        write(_PAGE, text)
    return 0


def _start(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> list[Server]:
    servers = [postroad.start(folder / "ours", arguments.workers)]
    stack.callback(servers[0].stop)
    reason = "as asked for" if arguments.alone else peers.why_not()
    if reason is None:
        servers.append(peers.start(folder / "peers", arguments.format))
        stack.callback(servers[1].stop)
    else:
        _say(f"Without the peers, and so without ratios: {reason}")
    return servers


def _measure(
    servers: Sequence[Server], plan: Plan, rows: Sequence[Row], rounds: int
) -> list[Outcome]:
    outcomes = []
    is_filled = False
    for row in rows:
        if row.needs_mailbox and not is_filled:
            is_filled = True
            for server in servers:
                _say(f"filling the large mailbox of {server.name}")
                measurements.fill(server, plan)
        outcomes.append(_measure_row(row, servers, plan, rounds))
    return outcomes


def _measure_row(row: Row, servers: Sequence[Server], plan: Plan, rounds: int) -> Outcome:
    """All rounds of a row, the servers in turns; of several rounds the first does not count."""
    found: dict[str, list[Figures]] = {}
    count = row.rounds or rounds + 1
    for number in range(count):
        for server in servers if row.has_peer else servers[:1]:
            figures = row.measure(server, plan, number)
            _say(f"{row.name} {server.name}: {_shown(figures)}")
            if count == 1 or number:
                found.setdefault(server.name, []).append(figures)
    return Outcome(row, found)


def _shown(figures: Figures) -> str:
    return ", ".join(f"{key} {value:,.4g}" for key, value in figures.items())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["imap"]:
            sys.exit(imaptable.main(sys.argv[2:]))
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
