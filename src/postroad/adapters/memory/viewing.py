"""Mailboxes in memory as somebody else than the owner sees them, and messages given away."""

from collections.abc import Sequence
from dataclasses import replace

from postroad.adapters.memory.mailboxes import (
    carry,
    load_selectable,
    load_target,
    remove,
)
from postroad.adapters.memory.state import Box, MemoryState, Owner, Placed, StoredEmail, now
from postroad.adapters.memory.virtual import copied_together, groups, require_room
from postroad.base.errors import NotFound, OverQuota
from postroad.model.ids import AccountId, EmailId, ModSeq, ThreadId, Uid
from postroad.model.mailbox import Copied, Flags
from postroad.model.sharing import Rights, Side, flags_allowed
from postroad.model.virtual import is_virtual


def view(box: Box, viewer: AccountId | None) -> dict[int, Placed]:
    """The messages with \\Seen as the viewer has it; None is the owner."""
    if viewer is None:
        return box.placed
    marks = box.marks.get(viewer, {})
    found = {}
    for uid, placed in box.placed.items():
        seen, mod_seq = marks.get(uid, (False, ModSeq(0)))
        flags = placed.flags & ~Flags.SEEN | (Flags.SEEN if seen else Flags.NONE)
        found[uid] = replace(placed, flags=int(flags), mod_seq=max(placed.mod_seq, mod_seq))
    return found


def put(
    box: Box,
    uid: int,
    flags: int,
    keywords: frozenset[str],
    mod_seq: ModSeq,
    viewer: AccountId | None,
) -> None:
    """Give a message flags as the viewer sees them."""
    placed = box.placed[uid]
    if viewer is not None:
        marks = box.marks.setdefault(viewer, {})
        marks[uid] = (bool(flags & Flags.SEEN), mod_seq)
        own = placed.flags & Flags.SEEN
        flags = int(flags & ~Flags.SEEN | own)
        if (flags, keywords) == (placed.flags, placed.keywords):
            return
    placed.flags, placed.keywords, placed.mod_seq = flags, keywords, mod_seq


class MemoryTransfer:
    """The part of the store of mail that moves messages between accounts."""

    _state: MemoryState

    async def transfer(
        self, uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
    ) -> Copied:
        owner, receiver = self._state.owner(source.owner), self._state.owner(target.owner)
        self._require_one_tenant(source.owner, target.owner)
        if is_virtual(source.mailbox):
            return await self._transfer_virtual(uids, source, target, rights, keep=keep)
        old, new = load_selectable(owner, source.mailbox), load_target(receiver, target.mailbox)
        there = sorted(uid for uid in set(uids) if uid in old.placed)
        if not there:
            return Copied(new.uid_validity, (), ())
        if keep or owner is not receiver:
            _require_room(receiver, [old.placed[uid].email for uid in there])
        mod_seq = receiver.next_mod_seq()
        seen = {uid for uid, placed in view(old, source.viewer).items() if placed.flags & 1}
        fresh = []
        for uid in there:
            placed = old.placed[uid]
            email = placed.email if owner is receiver else _given(owner, receiver, placed.email)
            is_seen = Rights.SEEN in rights and uid in seen
            if target.viewer is not None:  # what the owner has seen stays so
                is_seen = owner is receiver and bool(placed.flags & Flags.SEEN)
            flags = placed.flags & flags_allowed(rights) & ~Flags.SEEN | is_seen * Flags.SEEN
            keywords = placed.keywords if Rights.WRITE in rights else frozenset()
            new_uid = new.uid_next
            new.uid_next += 1
            new.placed[new_uid] = Placed(email, int(flags), keywords, mod_seq, now())
            fresh.append(Uid(new_uid))
            if owner is receiver:
                carry(old, uid, new, new_uid, mod_seq)
            elif target.viewer is not None and uid in seen and Rights.SEEN in rights:
                new.marks.setdefault(target.viewer, {})[new_uid] = (True, mod_seq)
        new.touch(mod_seq)
        if not keep:
            if owner is not receiver:
                owner.keep(old, there)
            remove(old, list(there), owner.next_mod_seq())
        return Copied(new.uid_validity, there, fresh)

    async def _transfer_virtual(
        self, uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
    ) -> Copied:
        owner, receiver = self._state.owner(source.owner), self._state.owner(target.owner)
        found = groups(owner, source.mailbox, uids)
        validity = load_target(receiver, target.mailbox).uid_validity
        if keep or owner is not receiver:
            require_room(owner, receiver, found)
        parts = {}
        for key, group in found.items():
            side = replace(source, mailbox=key)
            real = list(map(Uid, group))
            parts[key] = await self.transfer(real, side, target, rights, keep=keep)
        return copied_together(found, parts, validity)

    def _require_one_tenant(self, source: AccountId, target: AccountId) -> None:
        one, other = self._state.accounts[source], self._state.accounts[target]
        if one.tenant_id != other.tenant_id or not (one.is_person and other.is_person):
            raise NotFound("there is no such account")


def _require_room(receiver: Owner, emails: Sequence[StoredEmail]) -> None:
    if not receiver.has_room(sum(email.new.size for email in emails), len(emails)):
        raise OverQuota("the account has no room left")


def _given(owner: Owner, receiver: Owner, email: StoredEmail) -> StoredEmail:
    """A row of the receiver's over the same blob, in the thread that its own mail is in."""
    keys = [key for key, thread in owner.threads.items() if thread == email.thread_id]
    email_id, fresh = EmailId(receiver.next_id()), ThreadId(receiver.next_id())
    known = [receiver.threads[key] for key in keys if key in receiver.threads]
    thread = min(known, default=fresh)
    for key in keys:
        receiver.threads.setdefault(key, thread)
    made = StoredEmail(email_id, thread, replace(email.new, delivery_id=None))
    receiver.emails[email_id] = made
    return made
