"""Virtual mailboxes in memory."""

from collections.abc import Sequence
from dataclasses import replace

from postroad.adapters.memory.state import Box, MemoryState, Owner, VirtualBox, now
from postroad.base.errors import AlreadyExists, NotFound, OverQuota, TooMany
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid, UidValidity
from postroad.model.mailbox import Copied, Stored
from postroad.model.virtual import (
    MAX_VIRTUAL,
    PREFIX,
    Fold,
    Look,
    NewVirtual,
    VirtualMailbox,
    VirtualState,
)
from postroad.stores.virtual import VirtualStore


class MemoryVirtualStore(VirtualStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def virtuals(self, account: AccountId) -> Sequence[VirtualMailbox]:
        owner = self._state.owners.get(account)
        found = owner.virtual.values() if owner else ()
        return [_value(owner, one) for one in sorted(found, key=lambda one: one.new.name) if owner]

    async def create_virtual(self, account: AccountId, new: NewVirtual) -> VirtualMailbox:
        owner = self._state.owner(account)
        if any(one.new.name == new.name for one in owner.virtual.values()):
            raise AlreadyExists(f"there is a mailbox {PREFIX}{new.name} already")
        if len(owner.virtual) >= MAX_VIRTUAL:
            raise TooMany(f"an account has at most {MAX_VIRTUAL} virtual mailboxes")
        mod_seq = owner.next_mod_seq()
        virtual = MailboxId(-owner.next_id())
        validity = owner.next_uid_validity()
        made = VirtualBox(virtual, new, validity, mod_seq, oldest_known_mod_seq=mod_seq)
        owner.virtual[virtual] = made
        return _value(owner, made)

    async def delete_virtual(self, account: AccountId, virtual: MailboxId) -> None:
        owner = self._state.owner(account)
        load_virtual(owner, virtual)
        del owner.virtual[virtual]

    async def virtual_state(self, account: AccountId, virtual: MailboxId) -> VirtualState:
        owner = self._state.owner(account)
        boxes = sorted(owner.boxes.values(), key=lambda box: box.name)
        found = _value(owner, load_virtual(owner, virtual))
        return VirtualState(found, owner.mod_seq, tuple(box.value() for box in boxes))

    async def fold(self, account: AccountId, virtual: MailboxId, fold: Fold) -> bool:
        owner = self._state.owner(account)
        box = load_virtual(owner, virtual)
        if box.folded != fold.since:
            return False
        leaving, touched, coming = set[int](), set[int](), list[_Coming]()
        for look in fold.looks:
            gone, stays, comes = _seen_by(owner, box, look)
            leaving |= gone
            touched |= stays if look.changed else set()
            coming += comes
        if fold.is_last:
            leaving |= {uid for uid, at in box.placed.items() if at[0] not in fold.scope}
        before = owner.mod_seq
        if leaving or touched or coming:
            box.mod_seq = owner.next_mod_seq()
            box.log.append((box.mod_seq, now()))
        for uid in leaving:
            del box.placed[uid]
            box.gone[uid] = box.mod_seq
        for uid in touched - leaving:
            mailbox, real, _ = box.placed[uid]
            box.placed[uid] = mailbox, real, box.mod_seq
        for _, mailbox, real in sorted(coming):
            box.placed[box.uid_next] = mailbox, real, box.mod_seq
            box.uid_next += 1
        if fold.is_last:
            box.folded = owner.mod_seq if before == fold.at else fold.at
            box.scope = fold.scope
        return True


_Coming = tuple[int, MailboxId, int]  # email id, mailbox, UID there


def _seen_by(
    owner: Owner, box: VirtualBox, look: Look
) -> tuple[set[int], set[int], list[_Coming]]:
    """The UIDs of what leaves and of what stays, and what comes."""
    here = {real: uid for uid, (key, real, _) in box.placed.items() if key == look.mailbox}
    among = {real: uid for real, uid in here.items() if look.uids is None or real in look.uids}
    matching = set[int](look.matching)
    placed = owner.boxes[look.mailbox].placed if look.mailbox in owner.boxes else {}
    return (
        {uid for real, uid in among.items() if real not in matching},
        {uid for real, uid in among.items() if real in matching},
        [
            (placed[real].email.email_id, look.mailbox, real)
            for real in matching
            if real in placed and real not in here
        ],
    )


def load_virtual(owner: Owner, virtual: MailboxId) -> VirtualBox:
    """Raises `NotFound`."""
    if virtual not in owner.virtual:
        raise NotFound("the mailbox is gone")
    return owner.virtual[virtual]


def as_box(owner: Owner, virtual: MailboxId) -> Box:
    """What can be read of it. Raises `NotFound`."""
    found = load_virtual(owner, virtual)
    name = MailboxName(PREFIX + found.new.name)
    box = Box(
        virtual,
        name,
        found.new.special_use,
        found.uid_validity,
        found.mod_seq,
        found.oldest_known_mod_seq,
        uid_next=found.uid_next,
        first_recent=found.uid_next,
        gone=dict(found.gone),
    )
    for uid, (mailbox, real, mod_seq) in found.placed.items():
        placed = owner.boxes[mailbox].placed.get(real) if mailbox in owner.boxes else None
        if placed is not None:
            box.placed[uid] = replace(placed, mod_seq=max(mod_seq, placed.mod_seq))
    return box


Groups = dict[MailboxId, dict[int, Uid]]
"""Of real mailboxes the UIDs there, and what they are here."""


def groups(owner: Owner, virtual: MailboxId, uids: Sequence[Uid] | None) -> Groups:
    box = load_virtual(owner, virtual)
    found: Groups = {}
    for uid, (mailbox, real, _) in box.placed.items():
        if uids is None or uid in uids:
            found.setdefault(mailbox, {})[real] = Uid(uid)
    return found


def stored_together(box: VirtualBox, groups: Groups, parts: dict[MailboxId, Stored]) -> Stored:
    """What came of a change in each of the real mailboxes."""
    changed = [groups[key][uid] for key, done in parts.items() for uid in done.changed]
    modified = [groups[key][uid] for key, done in parts.items() for uid in done.modified]
    mod_seq = max([box.mod_seq, *(done.mod_seq for done in parts.values())])
    return Stored(mod_seq, sorted(changed), sorted(modified))


def copied_together(
    groups: Groups, parts: dict[MailboxId, Copied], uid_validity: UidValidity
) -> Copied:
    pairs = sorted(
        (groups[key][one], other)
        for key, done in parts.items()
        for one, other in zip(done.source, done.target, strict=True)
    )
    return Copied(uid_validity, [one for one, _ in pairs], [other for _, other in pairs])


def require_room(owner: Owner, receiver: Owner, groups: Groups) -> None:
    """For copies of all of them. Raises `OverQuota`."""
    sizes: list[int] = []
    for mailbox, uids in groups.items():
        there = owner.boxes[mailbox].placed if mailbox in owner.boxes else {}
        sizes += [there[uid].email.new.size for uid in uids if uid in there]
    if not receiver.has_room(sum(sizes), len(sizes)):
        raise OverQuota("the account has no room left")


def _value(owner: Owner, box: VirtualBox) -> VirtualMailbox:
    mailbox = replace(as_box(owner, box.virtual_id).value(), uid_next=Uid(box.uid_next))
    return VirtualMailbox(mailbox, box.new.search, box.new.within, box.folded, box.scope)
