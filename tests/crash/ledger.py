"""What the clients of the crash test know: what they sent, and what was acknowledged.

Every try has a key of its own, which stands in the subject and fixes the body, so that a message
found anywhere is told from all others and can be compared octet for octet.
"""

import random
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

KEY = re.compile(rb"ledger-([a-z0-9]+)")
_SIZES = (2_000, 40_000, 350_000)  # the last is more than a spool keeps in memory
_HOW_OFTEN = (85, 14, 1)


class Violation(AssertionError):
    """A promise was broken."""


def schedule(seed: int, *names: object) -> random.Random:
    """A source of chance for one part of the test; the same seed gives the same choices."""
    return random.Random(":".join(map(str, (seed, *names))))  # noqa: S311  # no secret


def body_of(key: str) -> bytes:
    """The body of the message with this key; some lines begin with dots."""
    chance = schedule(0, key)
    octets = chance.randrange(100, chance.choices(_SIZES, _HOW_OFTEN)[0])
    text = chance.randbytes(octets // 2).hex()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\r\n".join([f"begin {key}", ".", "..dots", *lines, f"end {key}", ""]).encode()


def message_of(key: str, author: str) -> bytes:
    header = (
        f"From: <{author}>\r\nTo: ledger:;\r\nDate: Fri, 20 Nov 2026 09:00:00 +0000\r\n"
        f"Subject: ledger-{key}\r\nMessage-ID: <{key}@{author.partition('@')[2]}>\r\n\r\n"
    )
    return header.encode() + body_of(key)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message and where it has to come: mailboxes here, paths elsewhere, and refused ones."""

    key: str
    mailboxes: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()  # the sender hears of these by a DSN

    @property
    def places(self) -> int:
        return len(self.mailboxes) + len(self.remote) + len(self.refused)


@dataclass(slots=True)
class Sending:
    """Letters that one request carried; accepted together or not at all."""

    letters: tuple[Letter, ...]
    is_queued: bool  # accepted for later; otherwise it is in the mailbox when it is acknowledged
    is_acknowledged: bool = False


@dataclass(slots=True)
class _Mailbox:
    uid_validity: int
    uid_next: int = 0
    mod_seq: int = 0
    keys: dict[int, str] = field(default_factory=dict)  # by UID, also of those expunged


@dataclass(frozen=True, slots=True)
class Found:
    """Where messages are in the end: how often each key is in each account, and so on."""

    mailboxes: Mapping[str, Counter[str]]
    remote: Counter[str]  # by forward path
    refused: Counter[str]  # forward paths in DSNs


class Ledger:
    """Shared by all clients; what goes wrong in their threads is gathered in `violations`."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._lock = threading.Lock()
        self._sendings: list[Sending] = []
        self._boxes: dict[tuple[str, str], _Mailbox] = {}

    def begin(self, sending: Sending) -> Sending:
        with self._lock:
            self._sendings.append(sending)
        return sending

    def violated(self, what: str) -> None:
        with self._lock:
            self.violations.append(what)

    def counts(self) -> tuple[int, int]:
        """Sendings, and how many of them were acknowledged."""
        with self._lock:
            return len(self._sendings), sum(one.is_acknowledged for one in self._sendings)

    def received(self, account: str) -> list[str]:
        """The keys of what was acknowledged to be in a mailbox of this account."""
        with self._lock:
            sure = [one for one in self._sendings if one.is_acknowledged and not one.is_queued]
        letters = [letter for one in sure for letter in one.letters]
        return [letter.key for letter in letters if account in letter.mailboxes]

    # UIDs and counters of mailboxes

    def floor(self, account: str, box: str) -> tuple[int, int]:
        """UIDNEXT and HIGHESTMODSEQ that were seen; to be asked before the mailbox is."""
        with self._lock:
            known = self._boxes.get((account, box))
            return (known.uid_next, known.mod_seq) if known else (0, 0)

    def saw_counters(
        self,
        account: str,
        box: str,
        floor: tuple[int, int],
        *,
        uid_validity: int,
        uid_next: int,
        mod_seq: int,
    ) -> None:
        """Raises `Violation` for a UIDVALIDITY that changed or a counter that went back."""
        with self._lock:
            known = self._boxes.setdefault((account, box), _Mailbox(uid_validity))
            if known.uid_validity != uid_validity:
                raise Violation(f"{box}: UIDVALIDITY {known.uid_validity} became {uid_validity}")
            if uid_next < floor[0] or mod_seq < floor[1]:
                now = uid_next, mod_seq
                raise Violation(f"{box}: UIDNEXT, HIGHESTMODSEQ went from {floor} to {now}")
            known.uid_next = max(known.uid_next, uid_next)
            known.mod_seq = max(known.mod_seq, mod_seq)

    def saw_mod_seq(self, account: str, box: str, mod_seq: int) -> None:
        with self._lock:
            known = self._boxes[account, box]
            known.mod_seq = max(known.mod_seq, mod_seq)

    def saw_uid(self, account: str, box: str, uid: int, key: str) -> None:
        """Raises `Violation` for a UID that once was another message's."""
        with self._lock:
            known = self._boxes[account, box]
            owner = known.keys.setdefault(uid, key)
            known.uid_next = max(known.uid_next, uid + 1)
        if owner != key:
            raise Violation(f"{box}: UID {uid} was {owner} and is now {key}")

    # Messages

    def check_present(self, mailboxes: Mapping[str, Counter[str]]) -> None:
        """After any restart: nothing twice, and what was acknowledged at once is there."""
        with self._lock:
            sendings = [(one.is_acknowledged and not one.is_queued, one) for one in self._sendings]
        for must_be_there, sending in sendings:
            for letter in sending.letters:
                for account in letter.mailboxes:
                    count = mailboxes[account][letter.key]
                    if count > 1 or (must_be_there and not count):
                        self.violated(f"{letter.key} is {count} times in {account}: {sending}")

    def check_final(self, found: Found) -> None:
        """Once the queue is empty: all that was acknowledged is there, the rest all or nothing."""
        self.check_present(found.mailboxes)
        for sending in self._sendings:
            there = sum(_arrived(letter, found) for letter in sending.letters)
            wanted = sum(letter.places for letter in sending.letters)
            if sending.is_acknowledged and there != wanted:
                self.violated(f"acknowledged, but only {there} of {wanted} arrived: {sending}")
            elif sending.is_queued and there not in (0, wanted):
                self.violated(f"{there} of {wanted} of one request arrived: {sending}")
            for path in [path for letter in sending.letters for path in letter.refused]:
                if found.refused[path] > 1 or found.remote[path]:
                    self.violated(f"refused, but sent or told more than once: {path}")


def _arrived(letter: Letter, found: Found) -> int:
    return (
        sum(bool(found.mailboxes[account][letter.key]) for account in letter.mailboxes)
        + sum(bool(found.remote[path]) for path in letter.remote)
        + sum(bool(found.refused[path]) for path in letter.refused)
    )
