"""The rows of the table: what is measured, by which figure, and what is to be reached."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import measurements
from bench.measurements import Figures, Plan
from bench.servers import Server


@dataclass(frozen=True, slots=True)
class Row:
    """With `is_ratio` the goal is how many times better than the peer we are; else a bound.

    `key` is the figure that counts; a peer is not asked where it has no such service.
    """

    name: str
    title: str
    measure: Callable[[Server, Plan, int], Figures]
    key: str
    goal: float
    is_ratio: bool = True
    less_is_better: bool = False
    has_peer: bool = True
    rounds: int | None = None  # None: as many as asked for
    needs_mailbox: bool = False


def _fetch(name: str, items: str, goal: float, key: str = "per_second") -> Row:
    return Row(
        f"fetch-{name}",
        f"FETCH {items.replace('.PEEK', '')} of a large mailbox",
        measurements.fetch(items),
        key,
        goal,
        less_is_better=key == "cpu_us",
        needs_mailbox=True,
    )


ROWS = (
    # First, before any load: later figures would tell what the load has left behind.
    Row("rest", "memory at rest, MiB", measurements.at_rest, "mib", 100.0,
        is_ratio=False, less_is_better=True, rounds=1),
    Row("idle", "idle IMAP connection over TLS, KiB", measurements.idle, "kib_per_connection",
        45.0, is_ratio=False, less_is_better=True, rounds=1),
    Row("smtp-in", "SMTP in, durable, visible", measurements.smtp_in, "per_second", 5.0),
    Row("exists", "delivery to EXISTS in IDLE, p50 in ms", measurements.notified, "p50_ms", 5.0,
        is_ratio=False, less_is_better=True),
    _fetch("flags", "FLAGS", 1.5),
    _fetch("envelope", "ENVELOPE", 4.0),
    _fetch("bodystructure", "BODYSTRUCTURE", 1.0),
    _fetch("list", "BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT)]", 1.0),
    _fetch("body", "BODY.PEEK[]", 1.5, "cpu_us"),
    Row("store", "STORE of the whole mailbox", measurements.store, "seconds", 1 / 3,
        less_is_better=True, needs_mailbox=True),
    Row("login", "logins, passwords known to be right", measurements.logins, "per_second", 3.0),
    Row("rest-send", "REST send at 200/s: p99 in syncs' p99", measurements.rest_send,
        "p99_syncs", 6.0, is_ratio=False, less_is_better=True, has_peer=False),
)  # fmt: skip
