"""A client that keeps a copy of mailboxes and brings it up to date by QRESYNC (RFC 7162)."""

import threading
from dataclasses import dataclass, field

from crash.imap import Imap
from crash.ledger import Violation
from crash.workers import Desk, Worker


@dataclass(slots=True)
class _Copy:
    uid_validity: int = 0
    mod_seq: int = 0
    flags: dict[int, frozenset[str]] = field(default_factory=dict)


class Mirror(Worker):
    """Its copy, brought up to date, must be the same as a fresh one."""

    def __init__(
        self, desk: Desk, address: str, boxes: tuple[str, ...], *, mail_arrives: bool
    ) -> None:
        """Where mail arrives without a client's doing, nothing is compared before it rests."""
        super().__init__(desk)
        self._address = address
        self._mail_arrives = mail_arrives
        self._copies = {box: _Copy() for box in boxes}

    def recover(self) -> None:
        if not self._mail_arrives:
            self.compare()

    def compare(self) -> None:
        """Bring the copies up to date and compare; nobody else may be at work."""
        with self.desk.imap(self._address) as imap, self.desk.imap(self._address) as other:
            imap.command("ENABLE QRESYNC")
            for box, known in self._copies.items():
                self._synchronise(imap, box, known)
                _compare(other, box, known)

    def session(self, stop: threading.Event) -> None:
        with self.desk.imap(self._address) as imap:
            imap.command("ENABLE QRESYNC")
            while not stop.wait(0.1 + self.desk.chance.random() * 0.3):
                for box, known in self._copies.items():
                    self._synchronise(imap, box, known)

    def _synchronise(self, imap: Imap, box: str, known: _Copy) -> None:
        if not known.uid_validity:
            reply = imap.command(f"SELECT {box}")
            mod_seq = int(reply.code(b"HIGHESTMODSEQ")[0])
            fetched = imap.command("UID FETCH 1:* (UID FLAGS)")
            flags = {message.uid: message.flags for message in fetched.messages()}
        else:
            point, last = f"{known.uid_validity} {known.mod_seq}", max(known.flags, default=0)
            limited = last > 0 and self.desk.chance.random() < 0.5
            if limited:
                point += f" 1:{last}"
            reply = imap.command(f"SELECT {box} (QRESYNC ({point}))")
            mod_seq = int(reply.code(b"HIGHESTMODSEQ")[0])
            gone, changed = reply.vanished(), reply.messages()
            if limited:  # what came since is not among the known UIDs
                changed += imap.command(f"UID FETCH {last + 1}:* (UID FLAGS)").messages()
            flags = {uid: names for uid, names in known.flags.items() if uid not in gone}
            flags |= {message.uid: message.flags for message in changed}
        uid_validity = int(reply.code(b"UIDVALIDITY")[0])
        if known.uid_validity not in (0, uid_validity) or mod_seq < known.mod_seq:
            raise Violation(f"{box}: UIDVALIDITY or HIGHESTMODSEQ went back: {known} {reply}")
        known.uid_validity, known.mod_seq, known.flags = uid_validity, mod_seq, flags
        imap.command("UNSELECT")


def _compare(imap: Imap, box: str, known: _Copy) -> None:
    imap.command(f"SELECT {box}")
    fresh = {one.uid: one.flags for one in imap.command("UID FETCH 1:* (UID FLAGS)").messages()}
    if fresh != known.flags:
        different = {
            uid: (known.flags.get(uid), fresh.get(uid))
            for uid in fresh.keys() | known.flags.keys()
            if fresh.get(uid) != known.flags.get(uid)
        }
        raise Violation(f"{box} at {known.mod_seq}: copy and fresh view differ: {different}")
