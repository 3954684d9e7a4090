"""Messages in memory."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from postroad.adapters.memory.labelling import MemoryLabels
from postroad.adapters.memory.mailboxes import (
    MemoryMailboxes,
    create,
    load_selectable,
    load_target,
    remove,
    transfer,
)
from postroad.adapters.memory.queue import add_submission
from postroad.adapters.memory.state import Box, Owner, Placed, StoredEmail, now
from postroad.adapters.memory.undeleting import MemoryUndelete
from postroad.adapters.memory.viewing import MemoryTransfer, put, view
from postroad.adapters.memory.virtual import (
    as_box,
    copied_together,
    groups,
    load_virtual,
    require_room,
    stored_together,
)
from postroad.base.errors import NoSuchTarget, NotFound, OverQuota, TooMany
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid
from postroad.model.mailbox import (
    Appended,
    Column,
    Copied,
    Delivered,
    DeliveryResult,
    FlagAction,
    FlagChange,
    Flags,
    LocalDelivery,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    NewEmail,
    Placements,
    Refusal,
    Replaced,
    Stored,
)
from postroad.model.queue import NewSubmission
from postroad.model.quota import Quota
from postroad.model.virtual import is_virtual
from postroad.stores.mail import Row

_MAX_KEYWORDS = 128
Arrival = tuple[NewEmail, Flags, frozenset[str]]
Forward = tuple[AccountId, NewSubmission, Sequence[NewEvent]]


class MemoryMailStore(MemoryLabels, MemoryTransfer, MemoryUndelete, MemoryMailboxes):
    def _selectable(self, account: AccountId, mailbox: MailboxId) -> Box:
        """What can be read, also a virtual mailbox. Raises `NotFound`."""
        owner = self._state.owner(account)
        if is_virtual(mailbox):
            return as_box(owner, mailbox)
        return load_selectable(owner, mailbox)

    def _readable(self, account: AccountId, mailbox: MailboxId) -> Box | None:
        owner = self._state.owners.get(account)
        if owner is not None and is_virtual(mailbox):
            return as_box(owner, mailbox)
        return owner.boxes.get(mailbox) if owner else None

    async def counts(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> MailboxCounts:
        box = self._readable(account, mailbox)
        flags = [placed.flags for placed in view(box, viewer).values()] if box else []
        return MailboxCounts(
            sum(not one & Flags.SEEN for one in flags),
            sum(bool(one & Flags.DELETED) for one in flags),
        )

    async def placements(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> tuple[Mailbox, Placements]:
        box = self._selectable(account, mailbox)
        return box.value(), _placements(view(box, viewer).items())

    async def claim_recent(self, account: AccountId, mailbox: MailboxId, before: Uid) -> range:
        box = self._state.owner(account).boxes.get(mailbox)
        if box is None:
            raise NotFound("the mailbox is gone")
        first = box.first_recent
        box.first_recent = max(first, before)
        return range(first, before)

    async def changes(
        self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        viewer: AccountId | None = None,
    ) -> MailboxChanges:
        """Computed from what each message says of itself, not from a record of operations."""
        box = self._selectable(account, mailbox)
        complete = since >= box.mod_seq or since >= box.oldest_known_mod_seq
        if not complete:
            return MailboxChanges(box.value(), array("I"), _placements([]), complete=False)
        gone = array("I", sorted(uid for uid, mod_seq in box.gone.items() if mod_seq > since))
        messages = view(box, viewer).items()
        new = [(uid, placed) for uid, placed in messages if placed.mod_seq > since]
        return MailboxChanges(box.value(), gone, _placements(new), complete=True)

    async def rows(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> list[Row]:
        box = self._readable(account, mailbox)
        if box is None:
            return []
        return [
            (uid, *(_value(box.placed[uid], column) for column in columns))
            for uid in _there(box, uids)
        ]

    async def octets_of(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
        emails: Sequence[EmailId] = (),
    ) -> tuple[Sequence[Uid], list[bytes]]:
        rows = await self.rows(account, mailbox, uids, columns)
        found = [next((each for each in row[1:] if each is not None), b"") for row in rows]
        return [Uid(cast("int", row[0])) for row in rows], cast("list[bytes]", found)

    async def append(
        self,
        account: AccountId,
        mailbox: MailboxId,
        emails: Sequence[Arrival],
        events: Sequence[NewEvent] = (),
        replaces: Replaced | None = None,
    ) -> Appended:
        old = None if replaces is None else self._to_replace(replaces)
        owner = self._state.owners.get(account)
        if owner is None:
            raise NoSuchTarget("there is no such account")
        box = load_target(owner, mailbox)
        stored = [_stored_before(owner, email[0].delivery_id) for email in emails]
        fresh = [email for email, before in zip(emails, stored, strict=True) if before is None]
        freed = old[1].placed[old[2]] if old and old[0] is owner else None
        if fresh:
            placed = iter(self._place(account, box, fresh, freed))
            self._state.tell(account, events)
            stored = [next(placed) if before is None else before for before in stored]
        if old is not None:
            old[0].keep(old[1], [old[2]])
            remove(old[1], [old[2]], old[0].next_mod_seq())
        there = [before for before in stored if before is not None]
        return Appended(box.uid_validity, [uid for uid, _ in there], [one for _, one in there])

    def _to_replace(self, message: Replaced) -> tuple[Owner, Box, Uid]:
        owner = self._state.owner(message.account)
        if is_virtual(message.mailbox_id):
            for key, group in groups(owner, message.mailbox_id, [message.uid]).items():
                real = Replaced(message.account, key, Uid(next(iter(group))))
                return self._to_replace(real)
            raise NotFound("the message to be replaced is gone")
        box = load_selectable(owner, message.mailbox_id)
        if message.uid not in box.placed:
            raise NotFound("the message to be replaced is gone")
        return owner, box, message.uid

    def _place(
        self, account: AccountId, box: Box, emails: Sequence[Arrival], freed: Placed | None = None
    ) -> list[tuple[Uid, EmailId]]:
        """Raises `TryLater`, `OverQuota` before it changes anything."""
        owner = self._state.owner(account)
        for email, _, _ in emails:
            self._state.check_referable(account, email.blob_id)
        octets, messages = sum(email.size for email, _, _ in emails), len(emails)
        if freed is not None:
            octets, messages = octets - freed.email.new.size, messages - 1
        if not owner.has_room(octets, messages):
            raise OverQuota("the account has no room left")
        mod_seq = owner.next_mod_seq()
        done = []
        for email, flags, keywords in emails:
            stored = StoredEmail(EmailId(owner.next_id()), _thread(owner, email), email)
            owner.emails[stored.email_id] = stored
            uid = Uid(box.uid_next)
            box.uid_next += 1
            box.placed[uid] = Placed(stored, int(flags), keywords, mod_seq, now())
            done.append((uid, stored.email_id))
        box.touch(mod_seq)
        return done

    async def deliver(
        self, deliveries: Sequence[LocalDelivery], submissions: Sequence[Forward] = ()
    ) -> list[DeliveryResult]:
        fresh = [
            (account, new, events)
            for account, new, events in submissions
            if (account, new.submission_id) not in self._state.entries
        ]
        for account, new, _ in fresh:
            self._state.check_referable(account, new.blob_id)
        for delivery in deliveries:
            self._state.check_referable(delivery.account, delivery.email.blob_id)
        for account, new, events in fresh:
            add_submission(self._state, account, new)
            self._state.tell(account, events)
        return [self._deliver(delivery) for delivery in deliveries]

    def _deliver(self, delivery: LocalDelivery) -> DeliveryResult:
        owner = self._state.owners.get(delivery.account)
        if owner is None:
            return Refusal.NO_ACCOUNT
        before = _stored_before(owner, delivery.email.delivery_id)
        if before is not None:
            return Delivered(*before, again=True)
        box = owner.box_named(delivery.mailbox)
        if (box is None or not box.selectable) and delivery.makes:
            box, _ = create(owner, delivery.mailbox, None)
            owner.subscriptions.add(delivery.mailbox)
        if box is None or not box.selectable:
            box = owner.box_named("INBOX")
        if box is None:
            return Refusal.NO_ACCOUNT
        arrival = (delivery.email, delivery.flags, delivery.keywords)
        try:
            ((uid, email_id),) = self._place(delivery.account, box, [arrival])
        except OverQuota:
            return Refusal.OVER_QUOTA
        self._state.tell(delivery.account, delivery.events)
        return Delivered(uid, email_id, again=False)

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
        viewer: AccountId | None = None,
    ) -> Stored:
        owner = self._state.owner(account)
        if is_virtual(mailbox):
            return await self._store_virtual(account, mailbox, uids, change, unchanged_since)
        box = load_selectable(owner, mailbox)
        there, seen = _there(box, uids), view(box, viewer)
        modified = []
        if unchanged_since is not None:
            modified = [uid for uid in there if seen[uid].mod_seq > unchanged_since]
        looks = {uid: _changed(seen[uid], change) for uid in there if uid not in modified}
        changed = [
            uid for uid, look in looks.items() if look != (seen[uid].flags, seen[uid].keywords)
        ]
        if not changed:
            return Stored(box.mod_seq, (), modified)
        mod_seq = owner.next_mod_seq()
        for uid in changed:
            put(box, uid, *looks[uid], mod_seq, viewer)
        box.touch(mod_seq)
        return Stored(mod_seq, changed, modified)

    async def _store_virtual(
        self,
        account: AccountId,
        virtual: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        since: ModSeq | None,
    ) -> Stored:
        owner = self._state.owner(account)
        box = load_virtual(owner, virtual)
        there = [uid for uid in uids if uid in box.placed]
        late = [uid for uid in there if since is not None and box.placed[uid][2] > since]
        found = groups(owner, virtual, [uid for uid in there if uid not in late])
        parts = {
            key: await self.store_flags(account, key, list(map(Uid, group)), change, since)
            for key, group in found.items()
        }
        done = stored_together(box, found, parts)
        return replace(done, modified=sorted([*late, *done.modified]))

    async def copy(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        return self._transfer(account, uids, source, target, keep=True)

    async def move(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        return self._transfer(account, uids, source, target, keep=False)

    def _transfer(
        self,
        account: AccountId,
        uids: Sequence[Uid],
        source: MailboxId,
        target: MailboxId,
        *,
        keep: bool,
    ) -> Copied:
        owner = self._state.owner(account)
        if is_virtual(source):
            found = groups(owner, source, uids)
            validity = load_target(owner, target).uid_validity
            if keep:
                require_room(owner, owner, found)
            parts = {
                key: self._transfer(account, list(map(Uid, group)), key, target, keep=keep)
                for key, group in found.items()
            }
            return copied_together(found, parts, validity)
        old = load_selectable(owner, source)
        new = load_target(owner, target)
        there = _there(old, uids)
        if not there:
            return Copied(new.uid_validity, (), ())
        octets = sum(old.placed[uid].email.new.size for uid in there)
        if keep and not owner.has_room(octets, len(there)):
            raise OverQuota("the account has no room left")
        fresh = transfer(old, list(there), new, owner.next_mod_seq(), keep=keep)
        return Copied(new.uid_validity, there, [Uid(uid) for uid in fresh])

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None
    ) -> Sequence[Uid]:
        owner = self._state.owner(account)
        if is_virtual(mailbox):
            found = groups(owner, mailbox, uids)
            return sorted(
                [
                    group[uid]
                    for key, group in found.items()
                    for uid in await self.expunge(account, key, list(map(Uid, group)))
                ]
            )
        box = load_selectable(owner, mailbox)
        named = list(map(Uid, box.placed)) if uids is None else _there(box, uids)
        gone = [uid for uid in named if box.placed[uid].flags & Flags.DELETED]
        if gone:
            owner.keep(box, gone)
            remove(box, list(gone), owner.next_mod_seq())
        return gone

    async def quota(self, account: AccountId) -> Quota:
        return self._state.owner(account).quota

    async def emails_after(
        self, account: AccountId, after: EmailId, limit: int
    ) -> list[tuple[EmailId, bytes, bytes, int]]:
        owner = self._state.owners.get(account)
        emails = sorted(owner.emails.items()) if owner else []
        found: list[tuple[EmailId, bytes, bytes, int]] = []
        for email_id, email in emails:
            if email_id > after and len(found) < limit:
                new = email.new
                found.append((email_id, new.blob_id, new.prepared.part_table, new.size))
        return found


def _there(box: Box, uids: Sequence[Uid]) -> list[Uid]:
    """Those of the UIDs that are in the mailbox, ascending."""
    return sorted(uid for uid in set(uids) if uid in box.placed)


def _placements(items: Iterable[tuple[int, Placed]]) -> Placements:
    combinations: dict[tuple[int, str], int] = {}
    columns = array("I"), array("Q"), array("I"), array("Q")
    for uid, placed in items:
        look = placed.flags, " ".join(sorted(placed.keywords))
        columns[0].append(uid)
        columns[1].append(placed.email.email_id)
        columns[2].append(combinations.setdefault(look, len(combinations)))
        columns[3].append(placed.mod_seq)
    return Placements(*columns, tuple(combinations))


def _value(placed: Placed, column: Column) -> object:
    email, name = placed.email, column.value
    for holder in (placed, email, email.new, email.new.prepared):
        if hasattr(holder, name):
            return getattr(holder, name)
    raise KeyError(name)


def _stored_before(owner: Owner, delivery_id: str | None) -> tuple[Uid, EmailId] | None:
    """The UID is 0 when the message went since."""
    if delivery_id is None:
        return None
    for email in owner.emails.values():
        if email.new.delivery_id == delivery_id:
            holder = next(owner.holders(email.email_id), None)
            return Uid(0 if holder is None else holder[1]), email.email_id
    return None


def _thread(owner: Owner, email: NewEmail) -> ThreadId:
    """The oldest thread that shares a key, or a new one; keys keep their first thread."""
    fresh = ThreadId(owner.next_id())
    keys = email.prepared.thread_keys
    thread = min((owner.threads[key] for key in keys if key in owner.threads), default=fresh)
    for key in keys:
        owner.threads.setdefault(key, thread)
    return thread


def _changed(placed: Placed, change: FlagChange) -> tuple[int, frozenset[str]]:
    """Flags and keywords after the change. Raises `TooMany`."""
    known = {word.lower(): word for word in placed.keywords}
    named = {known.setdefault(word.lower(), word) for word in sorted(change.keywords)}
    match change.action:
        case FlagAction.REPLACE:
            flags = change.replaced(placed.flags)
            words = placed.keywords if change.keeps_keywords else frozenset(named)
        case FlagAction.ADD:
            flags, words = placed.flags | int(change.flags), placed.keywords | named
        case FlagAction.REMOVE:
            flags, words = placed.flags & ~int(change.flags), placed.keywords - named
    if len(words) > _MAX_KEYWORDS:
        raise TooMany(f"a message has at most {_MAX_KEYWORDS} keywords")
    return flags, words
