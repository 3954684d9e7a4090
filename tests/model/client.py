"""A client: what it was told, kept as RFC 9051 and RFC 7162 let it be kept, and nothing else."""

import re
from dataclasses import dataclass, field
from enum import Enum

from model.shadow import Box, Look, changed

_LINE = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH) ?(.*)", re.DOTALL)
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_UID = re.compile(rb"UID (\d+)")
_MOD_SEQ = re.compile(rb"MODSEQ \((\d+)\)")
_CODE = re.compile(rb"\[([A-Z]+)(?: ([^\]]*))?\]")


class Kind(Enum):
    PLAIN = "IMAP4rev1"
    CONDSTORE = "CONDSTORE"
    QRESYNC = "QRESYNC"
    REV2 = "IMAP4rev2 and QRESYNC"

    @property
    def resyncs(self) -> bool:
        return self in (Kind.QRESYNC, Kind.REV2)


@dataclass
class Memory:
    """What a client with QRESYNC keeps of a mailbox while it is not looking."""

    uids: list[int]
    looks: dict[int, Look]
    mod_seq: int


@dataclass
class Answer:
    """What one command was answered with."""

    status: bytes = b""  # OK, NO, BAD or BYE
    codes: dict[bytes, bytes] = field(default_factory=dict)
    fetched: dict[int, Look | None] = field(default_factory=dict)  # by UID
    earlier: set[int] = field(default_factory=set)  # VANISHED (EARLIER)
    found: list[int] | None = None  # SEARCH
    found_all: bytes = b""
    status_line: bytes = b""
    lines: list[bytes] = field(default_factory=list)


def numbers(text: bytes) -> list[int]:
    """A ``uid-set`` without ``*``, in its order."""
    found: list[int] = []
    for part in text.split(b",") if text else []:
        low, _, high = part.partition(b":")
        found.extend(range(int(low), int(high or low) + 1))
    return found


class Client:
    """`uids` is the numbering that the announcements make; `box` is what the numbers mean.

    EXISTS tells no UIDs: which ones they are is looked up in the model, where it is what came
    after all that the client had seen; a wrong one shows in the next FETCH.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.memories: dict[int, Memory] = {}  # by UIDVALIDITY
        self.forget()

    def forget(self) -> None:
        """The connection is gone, and with it all but the memories."""
        self.box: Box | None = None
        self.read_only = False
        self.idles = False
        self.condstore = self.kind.resyncs
        self.uids: list[int] = []
        self.looks: dict[int, Look] = {}
        self.mod_seq = 0
        self._last = 0
        self._highest_code: int | None = None
        self._highest_seen = 0

    def select(self, box: Box, *, read_only: bool) -> None:
        self.unselect()
        self.box, self.read_only = box, read_only
        self._selection = object()

    def unselect(self) -> None:
        """Keep what a disconnected client would keep."""
        if self.box is not None and self.kind.resyncs and self.mod_seq:
            memory = Memory(list(self.uids), dict(self.looks), self.mod_seq)
            self.memories[self.box.uid_validity] = memory
        self.box = None
        self.uids, self.looks, self.mod_seq, self._last = [], {}, 0, 0

    # Responses

    def read(self, octets: bytes, tag: bytes, *, may_expunge: bool) -> Answer:
        """Take in the answer to a command, or news in IDLE if there is no tag."""
        answer = Answer()
        self._highest_code, self._highest_seen = None, 0
        lines = octets.split(b"\r\n")
        assert lines.pop() == b"", "what is sent ends with CRLF"
        for line in lines:
            answer.lines.append(line)
            if tag and line.startswith(tag + b" "):
                answer.status = line.split(b" ")[1]
                self._code(answer, line.split(b" ", 2)[2])
            else:
                self._untagged(answer, line, may_expunge=may_expunge)
        self._advance()
        return answer

    def _advance(self) -> None:
        """RFC 7162 section 6: a code goes before what was seen in FETCH."""
        if self._highest_code is not None:
            self.mod_seq = self._highest_code
        else:
            self.mod_seq = max(self.mod_seq, self._highest_seen)

    def _untagged(self, answer: Answer, line: bytes, *, may_expunge: bool) -> None:
        found = _LINE.fullmatch(line)
        if found is not None:
            number, what, rest = int(found[1]), found[2], found[3]
            if what == b"EXISTS":
                self._exists(number)
            elif what == b"EXPUNGE":
                assert may_expunge, "EXPUNGE where numbers must stay"
                assert not self.kind.resyncs, "EXPUNGE where VANISHED was asked for"
                assert 1 <= number <= len(self.uids), "EXPUNGE of a number that there is not"
                self._gone(self.uids[number - 1])
            else:
                self._fetch(answer, number, rest)
        elif line.startswith(b"* VANISHED "):
            self._vanished(answer, line[len(b"* VANISHED ") :], may_expunge=may_expunge)
        elif line.startswith(b"* OK "):
            self._code(answer, line[len(b"* OK ") :])
        elif line.startswith(b"* BYE"):
            answer.status = b"BYE"
        elif line.startswith(b"* SEARCH"):
            answer.found = [int(word) for word in line.split(b" (")[0].split()[2:]]
        elif line.startswith(b"* ESEARCH"):
            hits = re.search(rb" ALL ([\d,:]+)", line)
            answer.found = numbers(hits[1]) if hits else []
        elif line.startswith(b"* STATUS"):
            answer.status_line = line

    def _code(self, answer: Answer, text: bytes) -> None:
        found = _CODE.match(text)
        if found is None:
            return
        answer.codes[found[1]] = found[2] or b""
        if found[1] == b"HIGHESTMODSEQ":
            self._highest_code = int(found[2])

    def _exists(self, count: int) -> None:
        assert self.box is not None, "EXISTS and nothing is selected"
        assert count >= len(self.uids), "EXISTS shrinks without EXPUNGE"
        fresh = [uid for uid in self.box.uids if uid > self._last]
        assert count == len(self.uids) + len(fresh), "EXISTS is not what is there"
        self.uids += fresh
        self._last = max(self._last, self.box.uid_next - 1)

    def _gone(self, uid: int) -> None:
        assert self.box is not None
        assert uid in self.uids, f"UID {uid} vanishes and was never there"
        assert uid not in self.box.messages, f"UID {uid} vanishes and is there"
        self.uids.remove(uid)
        self.looks.pop(uid, None)

    def _vanished(self, answer: Answer, text: bytes, *, may_expunge: bool) -> None:
        assert self.kind.resyncs, "VANISHED without QRESYNC"
        assert self.box is not None
        if text.startswith(b"(EARLIER) "):
            gone = numbers(text[len(b"(EARLIER) ") :])
            assert not set(gone) & set(self.box.messages), "what is there has not vanished"
            answer.earlier.update(gone)
            return
        assert may_expunge, "VANISHED where numbers must stay"
        for uid in numbers(text):
            self._gone(uid)

    def _fetch(self, answer: Answer, number: int, items: bytes) -> None:
        assert self.box is not None
        assert 1 <= number <= len(self.uids), "FETCH of a number that there is not"
        uid = self.uids[number - 1]
        assert uid in self.box.messages, "FETCH of a message that is gone"
        told_uid, told, mod_seq = (p.search(items) for p in (_UID, _FLAGS, _MOD_SEQ))
        if told_uid is not None:
            assert int(told_uid[1]) == uid, f"number {number} is UID {uid}"
        elif self.kind.resyncs:
            raise AssertionError("RFC 7162 section 3.2.4: each FETCH names the UID")
        if mod_seq is not None:
            assert self.condstore, "MODSEQ to a client that does not know it"
            self._highest_seen = max(self._highest_seen, int(mod_seq[1]))
            self.box_mod_seqs[uid] = int(mod_seq[1])
        answer.fetched.setdefault(uid, None)
        if told is not None:
            look = self._without_recent(uid, frozenset(told[1].decode().split()))
            assert look == self.box.messages[uid], f"flags of UID {uid}"
            self.looks[uid] = answer.fetched[uid] = look

    def _without_recent(self, uid: int, look: Look) -> Look:
        """RFC 3501 section 2.3.2: one session that may change the mailbox has it as recent."""
        assert self.box is not None
        if "\\Recent" in look and not self.read_only:
            self.box.recent.setdefault(uid, self._selection)
        if not self.read_only:
            is_first = self.box.recent.get(uid) is self._selection
            assert is_first == ("\\Recent" in look), f"whether UID {uid} is recent"
        return look - {"\\Recent"}

    @property
    def box_mod_seqs(self) -> dict[int, int]:
        """MODSEQs told in the present command, to be compared once the true ones are known."""
        return self._told_mod_seqs

    def begin(self) -> None:
        self._told_mod_seqs: dict[int, int] = {}

    def check_mod_seqs(self) -> None:
        for uid, mod_seq in self._told_mod_seqs.items():
            if self.box is not None and uid in self.box.mod_seqs:
                assert mod_seq == self.box.mod_seqs[uid], f"MODSEQ of UID {uid}"
        if self.box is not None:
            assert self.mod_seq <= self.box.highest
        self._check_resync()

    def _check_resync(self) -> None:
        """Were the connection lost now, what it was not told of would be told later."""
        if self.box is None or not self.kind.resyncs:
            return
        for uid in self.uids:
            if uid not in self.box.messages:
                assert self.box.gone[uid][1] > self.mod_seq, f"UID {uid} would stay for ever"

    def silently(self, uids: list[int], action: str, flags: Look, answer: Answer) -> None:
        """Its own STORE.SILENT is done, except where the server said how it is."""
        for uid in uids:
            if answer.fetched.get(uid) is None and (uid in self.looks or not action):
                self.looks[uid] = changed(self.looks.get(uid, flags), action, flags)

    def check_current(self) -> None:
        """After a command that may tell everything, the client knows everything."""
        if self.box is None:
            return
        assert self.uids == self.box.uids, "the numbering is not what is there"
        for uid, look in self.looks.items():
            assert look == self.box.messages[uid], f"nobody told the flags of UID {uid}"
