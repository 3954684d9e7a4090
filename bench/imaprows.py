"""What IMAP's table measures: a line is one command, in a session of its own.

Each takes the server, the plan and the number of the round; each returns figures, of which
`seconds` (or `kib`) counts. What a line needs is made before its clock starts.
"""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from bench import corpus, smtp
from bench.imap import Imap
from bench.measurements import Figures, allow_open_files
from bench.servers import USERS, Server

BOX = "Bench"
_DIFFERENT = 100_000
_LARGE = 10_000  # copied, moved and half of it expunged
_SINGLES = 200
_BATCH = 100
_KIB = 1024
_REST_SECONDS = 6.0
_MOD_SEQ = re.compile(rb"HIGHESTMODSEQ (\d+)")
_VALIDITY = re.compile(rb"UIDVALIDITY (\d+)")


@dataclass(frozen=True, slots=True)
class ImapPlan:
    """How much is done."""

    mailbox: int  # messages of the large mailbox
    logins: int
    sessions: int  # in IDLE, for one delivery
    idle: int  # connections over TLS


@dataclass(frozen=True, slots=True)
class ImapRow:
    name: str
    title: str
    measure: Callable[[Server, ImapPlan, int], Figures]
    key: str = "seconds"
    rounds: int | None = None  # None: as many as asked for


def fill(server: Server, plan: ImapPlan) -> None:
    """Messages of their own up to `_DIFFERENT`; of a larger mailbox the rest are copies."""
    with closing(Imap(server, USERS[0])) as imap:
        imap.run(f"CREATE {BOX}")
        different = min(plan.mailbox, _DIFFERENT)
        for start in range(0, different, _BATCH):
            numbers = range(start, min(start + _BATCH, different))
            imap.multiappend(BOX, [corpus.message(n, median_octets=3_000) for n in numbers])
        imap.select(BOX)
        for start in range(different, plan.mailbox, different):
            imap.run(f"COPY 1:{min(different, plan.mailbox - start)} {BOX}")


def settle(server: Server, seconds: float = 3600.0) -> None:
    """Wait until the server has done what it does behind its clients' backs, as indexing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = server.cpu_seconds()
        time.sleep(_REST_SECONDS)
        if server.cpu_seconds() - before < _REST_SECONDS / 50:
            return


def _timed(server: Server, action: Callable[[], object]) -> Figures:
    cpu, began = server.cpu_seconds(), time.perf_counter()
    action()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "cpu_ms": (server.cpu_seconds() - cpu) * 1e3}


def command(text: str, wanted: str = "") -> Callable[[Server, ImapPlan, int], Figures]:
    """One command in the large mailbox; `wanted` must come once for each message."""

    def measure(server: Server, plan: ImapPlan, number: int) -> Figures:
        hits = 0

        def action() -> None:
            nonlocal hits
            hits = imap.count(text, wanted.encode() or b"* ")

        with closing(Imap(server, USERS[0])) as imap:
            imap.select(BOX)
            figures = _timed(server, action)
        if wanted and hits < plan.mailbox:
            raise RuntimeError(f"{server.name}: {text}: {hits} of {plan.mailbox} answers")
        return figures

    return measure


def _store(server: Server, plan: ImapPlan, number: int) -> Figures:
    sign = "-" if number % 2 else "+"
    return command(f"UID STORE 1:* {sign}FLAGS.SILENT (\\Flagged)")(server, plan, number)


def _logins(server: Server, plan: ImapPlan, number: int) -> Figures:
    Imap(server, USERS[0]).close()

    def action() -> None:
        for _ in range(plan.logins):
            Imap(server, USERS[0]).close()

    return _timed(server, action)


def _select(server: Server, plan: ImapPlan, number: int) -> Figures:
    with closing(Imap(server, USERS[0])) as imap:
        return _timed(server, lambda: imap.select(BOX))


def _resync(server: Server, plan: ImapPlan, number: int) -> Figures:
    """A hundredth of the flags changed since the client was here."""
    with closing(Imap(server, USERS[0])) as imap:
        imap.run("ENABLE QRESYNC")
        told = imap.run(f"SELECT {BOX}")
        known, validity = _MOD_SEQ.search(told), _VALIDITY.search(told)
        if known is None or validity is None:
            raise RuntimeError(f"{server.name}: SELECT tells no HIGHESTMODSEQ")
        uids = ",".join(str(uid) for uid in range(1, plan.mailbox, 100))
        imap.run(f"UID STORE {uids} {'-' if number % 2 else '+'}FLAGS.SILENT ($Changed)")
        imap.run("UNSELECT")
        wish = f"SELECT {BOX} (QRESYNC ({int(validity[1])} {int(known[1])}))"
        hits = 0

        def action() -> None:
            nonlocal hits
            hits = imap.count(wish, b" FETCH (")

        figures = _timed(server, action)
    if hits < plan.mailbox // 100:
        raise RuntimeError(f"{server.name}: {hits} changes were told")
    return figures


def _append(server: Server, plan: ImapPlan, number: int) -> Figures:
    messages = [corpus.message(n, median_octets=3_000) for n in range(_SINGLES)]

    def action() -> None:
        for message in messages:
            imap.append("Appended", [message])

    with closing(_fresh(server, "Appended")) as imap:
        return _timed(server, action)


def _multiappend(server: Server, plan: ImapPlan, number: int) -> Figures:
    messages = [corpus.message(n, median_octets=3_000) for n in range(10 * _BATCH)]

    def action() -> None:
        for start in range(0, len(messages), _BATCH):
            imap.multiappend("Appended", messages[start : start + _BATCH])

    with closing(_fresh(server, "Appended")) as imap:
        return _timed(server, action)


def _large(what: str, server: Server, plan: ImapPlan, number: int) -> Figures:
    """COPY, MOVE or EXPUNGE, of a copy that the next line does not see."""
    count = min(_LARGE, plan.mailbox)
    with closing(_fresh(server, "Copied", "Moved")) as imap:
        imap.select(BOX)
        copy = f"COPY 1:{count} Copied"
        if what == "copy":
            return _timed(server, lambda: imap.run(copy))
        imap.run(copy)
        imap.run("SELECT Copied")
        if what == "move":
            return _timed(server, lambda: imap.count("MOVE 1:* Moved", b"EXPUNGE"))
        numbers = ",".join(str(number) for number in range(1, count, 2))
        imap.run(f"STORE {numbers} +FLAGS.SILENT (\\Deleted)")
        return _timed(server, lambda: imap.count("EXPUNGE", b"EXPUNGE"))


def _fresh(server: Server, *names: str) -> Imap:
    """A session for which some mailboxes are there and empty."""
    imap = Imap(server, USERS[0])
    for name in names:
        if f" {name}\r\n" in imap.run(f'LIST "" {name}').decode():
            imap.run(f"DELETE {name}")
        imap.run(f"CREATE {name}")
    return imap


def _notified(server: Server, plan: ImapPlan, number: int) -> Figures:
    """From the 250 of one delivery until the last of many sessions in IDLE was told."""
    allow_open_files(2 * plan.sessions + 200)
    with ExitStack() as stack:
        sessions = []
        for _ in range(plan.sessions):
            imap = stack.enter_context(closing(Imap(server, USERS[1])))
            imap.select("INBOX")
            imap.idle()
            sessions.append(imap)
        octets = corpus.dot_stuffed(corpus.message(number, median_octets=3_000))
        cpu = server.cpu_seconds()
        smtp.send(server, [(USERS[1], octets)], 1)
        accepted = time.perf_counter()
        last = max(session.wait_for_exists(120.0) for session in sessions)
        return {
            "seconds": max(last - accepted, 0.0),
            "cpu_ms": (server.cpu_seconds() - cpu) * 1e3,
        }


def _idle(server: Server, plan: ImapPlan, number: int) -> Figures:
    """Memory of one connection over TLS, of many."""
    allow_open_files(2 * plan.idle + 200)
    before = server.pss_octets()
    with ExitStack() as stack:
        for n in range(plan.idle):
            user = USERS[n % len(USERS)]
            imap = stack.enter_context(closing(Imap(server, user, tls=True)))
            imap.select("INBOX")
            imap.idle()
        time.sleep(3.0)
        kib = (server.pss_octets() - before) / plan.idle / _KIB
    time.sleep(3.0)
    return {"kib": kib}


_HEADER_FIELDS = "BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT)]"

ROWS = (
    ImapRow("idle", "idle TLS connections: KiB each", _idle, "kib", rounds=1),
    ImapRow("exists", "delivery to EXISTS in all sessions of IDLE", _notified),
    ImapRow("login", "logins, one after another", _logins),
    ImapRow("select", "SELECT", _select),
    ImapRow("resync", "SELECT with QRESYNC, 1 % changed", _resync),
    *(
        ImapRow(f"fetch-{name}", f"FETCH {items.replace('.PEEK', '')}",
                command(f"UID FETCH 1:* ({items})", " FETCH ("))
        for name, items in (
            ("flags", "FLAGS"), ("envelope", "ENVELOPE"), ("bodystructure", "BODYSTRUCTURE"),
            ("fields", _HEADER_FIELDS), ("body", "BODY.PEEK[]"),
        )
    ),
    *(
        ImapRow(name, text, command(text))
        for name, text in (
            ("search-header", 'SEARCH FROM "sender42"'),
            ("search-body", 'SEARCH BODY "quarterly figures"'),
            ("search-combined", 'SEARCH UNSEEN SINCE 1-Jan-2025 FROM "sender4" TEXT "contract"'),
            ("sort-date", "SORT (REVERSE DATE) UTF-8 ALL"),
            ("sort-subject", "SORT (SUBJECT) UTF-8 ALL"),
            ("sort-from", "SORT (FROM) UTF-8 ALL"),
            ("thread", "THREAD REFERENCES UTF-8 ALL"),
        )
    ),
    ImapRow("store", "STORE of all", _store),
    ImapRow("append", f"APPEND of {_SINGLES}, one after another", _append),
    ImapRow("multiappend", f"MULTIAPPEND, 10 times {_BATCH}", _multiappend),
    ImapRow("copy", f"COPY of {_LARGE:,}", partial(_large, "copy")),
    ImapRow("move", f"MOVE of {_LARGE:,}", partial(_large, "move")),
    ImapRow("expunge", f"EXPUNGE of the half of {_LARGE:,}", partial(_large, "expunge")),
)  # fmt: skip
