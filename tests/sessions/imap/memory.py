"""Mailboxes in memory: as much of the stores as IMAP uses, simple instead of fast."""

from array import array
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

from postroad.base.errors import AlreadyExists, InUse, NotFound, OverQuota
from postroad.base.moments import Moment
from postroad.core.message.prepared import new_email
from postroad.formats.mime.prepare import prepare
from postroad.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxName,
    ModSeq,
    Uid,
    UidValidity,
)
from postroad.model.mailbox import (
    Appended,
    BlobRange,
    Column,
    Copied,
    FlagAction,
    FlagChange,
    Flags,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    NewEmail,
    Placements,
    Replaced,
    SpecialUse,
    Stored,
)
from postroad.model.quota import Quota, QuotaLimits, Usage
from postroad.model.sharing import Place
from postroad.sessions.imap.needs import IncomingMessages
from postroad.stores.mail import Row

NOW = Moment(1_700_000_000_000_000)
SAVED = Moment(1_700_090_000_000_000)  # a day later


@dataclass(frozen=True)
class Message:
    email_id: EmailId
    flags: Flags
    keywords: frozenset[str]
    mod_seq: ModSeq


class MemoryMail:
    """One account's mail; the account is not looked at."""

    def __init__(self) -> None:
        self.boxes: dict[MailboxId, Mailbox] = {}
        self.messages: dict[MailboxId, dict[int, Message]] = {}
        self.gone: list[tuple[ModSeq, MailboxId, Uid]] = []
        self.emails: dict[EmailId, NewEmail] = {}
        self.blobs: dict[BlobId, bytes] = {}
        self.names: set[MailboxName] = set()
        self.limits = QuotaLimits()
        self.forgets = False  # changes cannot be told: too old
        self.old: set[EmailId] = set()  # whose rows keep nothing of their headers
        self._last = 0

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _touch(self, mailbox: MailboxId) -> ModSeq:
        """A new modification sequence for a mailbox."""
        mod_seq = ModSeq(self._next())
        self.boxes[mailbox] = replace(self.boxes[mailbox], mod_seq=mod_seq)
        return mod_seq

    def _box(self, mailbox: MailboxId) -> Mailbox:
        if mailbox not in self.boxes:
            raise NotFound("there is no such mailbox")
        messages = self.messages[mailbox].values()
        octets = sum(self.emails[message.email_id].size for message in messages)
        return replace(self.boxes[mailbox], messages=len(messages), octets=octets)

    # Mailboxes

    async def mailboxes(self, account: AccountId) -> tuple[Mailbox, ...]:
        return tuple(sorted(map(self._box, self.boxes), key=lambda box: box.name))

    async def find_mailbox(self, account: AccountId, name: MailboxName) -> Mailbox | None:
        return next((self._box(key) for key, box in self.boxes.items() if box.name == name), None)

    async def create_mailbox(
        self, account: AccountId, name: MailboxName, special_use: SpecialUse | None
    ) -> Mailbox:
        if (found := await self.find_mailbox(account, name)) is not None:
            if found.selectable:
                raise AlreadyExists(f"there is a mailbox {name}")
            self.boxes[found.mailbox_id] = replace(found, selectable=True)
            return self._box(found.mailbox_id)
        if special_use and any(box.special_use is special_use for box in self.boxes.values()):
            raise AlreadyExists(f"there is a mailbox for {special_use.value}")
        parent = MailboxName(name.rpartition("/")[0])
        if parent and await self.find_mailbox(account, parent) is None:
            await self.create_mailbox(account, parent, None)
        key = MailboxId(self._next())
        validity, uid_next, mod_seq = UidValidity(1000 + key), Uid(1), ModSeq(key)
        self.boxes[key] = Mailbox(
            key, name, special_use, validity, uid_next, mod_seq, mod_seq, 0, 0, True
        )
        self.messages[key] = {}
        return self._box(key)

    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId) -> None:
        box = self._box(mailbox)
        if not any(other.name.startswith(f"{box.name}/") for other in self.boxes.values()):
            del self.boxes[mailbox], self.messages[mailbox]
            return
        if not box.selectable:
            raise InUse("there are mailboxes below it")
        self.messages[mailbox] = {}
        self.boxes[mailbox] = replace(box, selectable=False)

    async def rename_mailbox(
        self, account: AccountId, source: MailboxName, target: MailboxName
    ) -> None:
        found = await self.find_mailbox(account, source)
        if found is None:
            raise NotFound(f"there is no mailbox {source}")
        if await self.find_mailbox(account, target) is not None:
            raise AlreadyExists(f"there is a mailbox {target}")
        if source == "INBOX":
            made = await self.create_mailbox(account, target, None)
            uids = [Uid(uid) for uid in self.messages[found.mailbox_id]]
            await self.move(account, uids, found.mailbox_id, made.mailbox_id)
            return
        for key, box in self.boxes.items():
            if box.name == source or box.name.startswith(f"{source}/"):
                name = MailboxName(target + box.name.removeprefix(source))
                self.boxes[key] = replace(box, name=name)

    async def subscriptions(self, account: AccountId) -> frozenset[MailboxName]:
        return frozenset(self.names)

    async def set_subscribed(
        self, account: AccountId, name: MailboxName, *, subscribed: bool
    ) -> None:
        (self.names.add if subscribed else self.names.discard)(name)

    async def counts(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> MailboxCounts:
        messages = self.messages[mailbox].values()
        unseen = sum(not message.flags & Flags.SEEN for message in messages)
        return MailboxCounts(unseen, sum(bool(m.flags & Flags.DELETED) for m in messages))

    # Messages

    async def placements(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> tuple[Mailbox, Placements]:
        return self._box(mailbox), _placements(self.messages[mailbox].items())

    async def claim_recent(self, account: AccountId, mailbox: MailboxId, before: Uid) -> range:
        first = self.boxes[mailbox].first_recent
        self.boxes[mailbox] = replace(self.boxes[mailbox], first_recent=max(first, before))
        return range(first, before)

    async def changes(
        self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        viewer: AccountId | None = None,
    ) -> MailboxChanges:
        box = self._box(mailbox)
        gone = sorted(uid for at, where, uid in self.gone if where == mailbox and at > since)
        fresh = [each for each in self.messages[mailbox].items() if each[1].mod_seq > since]
        return MailboxChanges(box, array("I", gone), _placements(fresh), not self.forgets)

    async def rows(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> list[Row]:
        held = self.messages[mailbox]
        return [
            (uid, *(self._value(held[uid].email_id, column) for column in columns))
            for uid in uids
            if uid in held
        ]

    async def octets_of(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> tuple[Sequence[Uid], list[bytes]]:
        rows = await self.rows(account, mailbox, uids, columns)
        found = [next((each for each in row[1:] if each is not None), b"") for row in rows]
        return [cast("Uid", row[0]) for row in rows], cast("list[bytes]", found)

    def _value(self, email_id: EmailId, column: Column) -> object:
        email = self.emails[email_id]
        if column in (Column.HEADER_FIELDS, Column.ORIGIN) and email_id in self.old:
            return None
        own = {Column.EMAIL_ID: email_id, Column.THREAD_ID: email_id}
        if column in own:
            return own[column]
        if column is Column.SAVED_AT:
            return SAVED
        if column in (Column.BLOB_ID, Column.SIZE, Column.INTERNAL_DATE):
            return getattr(email, column.value)
        return getattr(email.prepared, column.value)

    async def append(
        self,
        account: AccountId,
        mailbox: MailboxId,
        emails: Sequence[tuple[NewEmail, Flags, frozenset[str]]],
        events: Sequence[object] = (),
        replaces: Replaced | None = None,
    ) -> Appended:
        if replaces is not None:
            self.remove(replaces)
        ids, uids = [], []
        for email, flags, keywords in emails:
            ids.append(email_id := EmailId(self._next()))
            self.emails[email_id] = email
            uids.append(self._place(mailbox, email_id, flags, keywords, self._touch(mailbox)))
        return Appended(self.boxes[mailbox].uid_validity, uids, ids)

    def _place(
        self,
        mailbox: MailboxId,
        email_id: EmailId,
        flags: Flags,
        keywords: frozenset[str],
        mod_seq: ModSeq,
    ) -> Uid:
        uid = self.boxes[mailbox].uid_next
        self.boxes[mailbox] = replace(self.boxes[mailbox], uid_next=Uid(uid + 1))
        self.messages[mailbox][uid] = Message(email_id, flags, keywords, mod_seq)
        return uid

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
        viewer: AccountId | None = None,
    ) -> Stored:
        held, changed, modified = self.messages[mailbox], list[Uid](), list[Uid]()
        for uid in uids:
            if uid not in held:
                continue
            if unchanged_since is not None and held[uid].mod_seq > unchanged_since:
                modified.append(uid)
            elif _changed(held[uid], change) != held[uid]:
                changed.append(uid)
        mod_seq = self._touch(mailbox) if changed else self.boxes[mailbox].mod_seq
        for uid in changed:
            held[uid] = replace(_changed(held[uid], change), mod_seq=mod_seq)
        return Stored(mod_seq, changed, modified)

    async def copy(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        held = self.messages[source]
        found = [uid for uid in uids if uid in held]
        mod_seq = self._touch(target)
        made = [
            self._place(target, held[uid].email_id, held[uid].flags, held[uid].keywords, mod_seq)
            for uid in found
        ]
        return Copied(self.boxes[target].uid_validity, found, made)

    async def move(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        copied = await self.copy(account, uids, source, target)
        self._remove(source, copied.source)
        return copied

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None
    ) -> Sequence[Uid]:
        held = self.messages[mailbox]
        gone = [
            Uid(uid)
            for uid, message in held.items()
            if message.flags & Flags.DELETED and (uids is None or uid in uids)
        ]
        self._remove(mailbox, gone)
        return gone

    def remove(self, message: Replaced) -> None:
        if message.uid not in self.messages[message.mailbox_id]:
            raise NotFound("the message to be replaced is gone")
        self._remove(message.mailbox_id, [message.uid])

    def _remove(self, mailbox: MailboxId, uids: Sequence[Uid]) -> None:
        if not uids:
            return
        mod_seq = self._touch(mailbox)
        for uid in uids:
            del self.messages[mailbox][uid]
            self.gone.append((mod_seq, mailbox, uid))

    async def quota(self, account: AccountId) -> Quota:
        boxes = [self._box(key) for key in self.boxes]
        octets = sum(box.octets for box in boxes)
        messages = sum(box.messages for box in boxes)
        return Quota(Usage(octets, messages, len(boxes)), self.limits)

    # What else the session and the service ask for

    async def open(
        self, target: Place, octets: int, replaces: Replaced | None = None
    ) -> IncomingMessages:
        return MemoryIncoming(self, target.mailbox.mailbox_id, replaces)

    async def put(
        self,
        mailbox: MailboxId,
        octets: bytes,
        flags: Flags = Flags.NONE,
        keywords: frozenset[str] = frozenset(),
        at: Moment = NOW,
    ) -> Appended:
        blob_id = BlobId(b"%016d" % self._next())
        self.blobs[blob_id] = octets
        email = new_email(prepare(octets), blob_id, at, None)
        return await self.append(AccountId(1), mailbox, [(email, flags, keywords)])

    async def whole(self, blobs: Sequence[BlobId]) -> list[bytes]:
        return [self.blobs[blob] for blob in blobs]

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        return [self.blobs[each.blob_id][each.start : each.end] for each in ranges]

    async def stream(self, wanted: BlobRange, chunk_octets: int = 262_144) -> AsyncIterator[bytes]:
        for start in range(wanted.start, wanted.end, chunk_octets):
            end = min(start + chunk_octets, wanted.end)
            yield self.blobs[wanted.blob_id][start:end]

    async def with_header(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        field: str,
        text: str,
    ) -> Collection[Uid]:
        def lines(octets: bytes) -> list[str]:
            return octets.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")

        return [
            uid
            for uid in uids
            if any(
                line.startswith(f"{field}:") and text.lower() in line
                for line in lines(self._octets(mailbox, uid))
            )
        ]

    async def with_text(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        text: str,
        *,
        in_header: bool,
    ) -> Collection[Uid]:
        def searched(octets: bytes) -> str:
            body = octets if in_header else octets.partition(b"\r\n\r\n")[2]
            return body.decode().lower()

        return [uid for uid in uids if text.lower() in searched(self._octets(mailbox, uid))]

    def _octets(self, mailbox: MailboxId, uid: Uid) -> bytes:
        return self.blobs[self.emails[self.messages[mailbox][uid].email_id].blob_id]

    def announce(self, account: AccountId) -> None:
        """The bus: nobody listens, the transcripts ask for news by themselves."""

    @asynccontextmanager
    async def listen(self, account: AccountId) -> AsyncIterator[AsyncIterator[None]]:
        raise AssertionError("nobody listens")
        yield cast("AsyncIterator[None]", None)  # never reached; makes it a generator


class MemoryIncoming:
    def __init__(
        self, mail: MemoryMail, mailbox: MailboxId, replaces: Replaced | None = None
    ) -> None:
        self._mail = mail
        self._replaces = replaces
        self._mailbox = mailbox
        self._octets = b""
        self._whole: list[tuple[bytes, Flags, frozenset[str], Moment | None]] = []
        self.is_closed = False

    async def write(self, chunk: bytes) -> None:
        self._octets += chunk

    async def next(
        self,
        flags: Flags,
        keywords: frozenset[str],
        internal_date: Moment | None,
        octets: int,
    ) -> None:
        self._whole.append((self._octets, flags, keywords, internal_date))
        self._octets = b""
        sizes = [len(message) for message, _, _, _ in self._whole]
        limit = self._mail.limits.octets
        if limit is not None and sum(sizes) + octets > limit:
            raise OverQuota("no room left")

    async def finish(
        self, flags: Flags, keywords: frozenset[str], internal_date: Moment | None
    ) -> Appended:
        self._whole.append((self._octets, flags, keywords, internal_date))
        if self._replaces is not None:
            self._mail.remove(self._replaces)
        done = [
            await self._mail.put(self._mailbox, octets, system, words, at or NOW)
            for octets, system, words, at in self._whole
        ]
        uids = [uid for each in done for uid in each.uids]
        return Appended(done[0].uid_validity, uids, [])

    def close(self) -> None:
        self.is_closed = True


def _placements(messages: Iterable[tuple[int, Message]]) -> Placements:
    ordered = sorted(messages, key=lambda each: each[0])
    index: dict[tuple[int, str], int] = {}
    looks = array("I")
    for _, message in ordered:
        look = int(message.flags), " ".join(sorted(message.keywords))
        looks.append(index.setdefault(look, len(index)))
    return Placements(
        array("I", [uid for uid, _ in ordered]),
        array("Q", [message.email_id for _, message in ordered]),
        looks,
        array("Q", [message.mod_seq for _, message in ordered]),
        tuple(index),
    )


def _changed(message: Message, change: FlagChange) -> Message:
    match change.action:
        case FlagAction.REPLACE:
            return replace(message, flags=change.flags, keywords=change.keywords)
        case FlagAction.ADD:
            keywords = message.keywords | change.keywords
            return replace(message, flags=message.flags | change.flags, keywords=keywords)
        case FlagAction.REMOVE:
            keywords = message.keywords - change.keywords
            return replace(message, flags=message.flags & ~change.flags, keywords=keywords)
