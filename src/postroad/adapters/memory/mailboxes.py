"""Mailboxes in memory: the tree of names."""

from postroad.adapters.memory.state import Box, MemoryState, Owner, now
from postroad.base.errors import AlreadyExists, InUse, NoSuchTarget, NotFound, OverQuota, TooMany
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, UidValidity
from postroad.model.mailbox import Mailbox, SpecialUse
from postroad.model.quota import MAX_MAILBOXES
from postroad.model.sharing import Identifier, Rights
from postroad.stores.mail import MailStore


class MemoryMailboxes(MailStore):
    """The part of the store of mail that is about mailboxes as a whole."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def mailboxes(self, account: AccountId) -> tuple[Mailbox, ...]:
        owner = self._state.owners.get(account)
        boxes = owner.boxes.values() if owner else ()
        return tuple(box.value() for box in sorted(boxes, key=lambda box: box.name))

    async def find_mailbox(self, account: AccountId, name: MailboxName) -> Mailbox | None:
        owner = self._state.owners.get(account)
        box = owner.box_named(name) if owner else None
        return None if box is None else box.value()

    async def create_mailbox(
        self, account: AccountId, name: MailboxName, special_use: SpecialUse | None
    ) -> Mailbox:
        box, _ = create(self._state.owner(account), name, special_use)
        return box.value()

    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId) -> None:
        owner = self._state.owner(account)
        box = load(owner, mailbox)
        children = _below(owner, box.name)
        if children and not box.selectable:
            raise InUse(f"{box.name} has mailboxes below it")
        mod_seq = owner.next_mod_seq()
        owner.keep(box, box.placed)
        del owner.boxes[mailbox]
        if children:
            left = _new_box(owner, mailbox, box.name, None, box.uid_validity, mod_seq)
            left.uid_next, left.selectable = box.uid_next, False

    async def rename_mailbox(
        self, account: AccountId, source: MailboxName, target: MailboxName
    ) -> None:
        owner = self._state.owner(account)
        box = owner.box_named(source)
        if box is None:
            raise NotFound(f"there is no mailbox {source}")
        if owner.box_named(target) is not None:
            raise AlreadyExists(f"there is a mailbox {target} already")
        if source == "INBOX":
            made, mod_seq = create(owner, target, None)
            transfer(box, sorted(box.placed), made, mod_seq, keep=False)
            made.notes = {whose: dict(notes) for whose, notes in box.notes.items()}
            return
        if _below(owner, target):
            raise AlreadyExists(f"there are mailboxes below {target} already")
        _check_count(owner, len(_missing_parents(owner, target)))
        renamed = [box, *_below(owner, source)]
        _create_parents(owner, target, owner.next_mod_seq())
        for one in renamed:
            one.name = MailboxName(target + one.name[len(source) :])

    async def subscriptions(self, account: AccountId) -> frozenset[MailboxName]:
        owner = self._state.owners.get(account)
        return frozenset(owner.subscriptions if owner else ())

    async def set_subscribed(
        self, account: AccountId, name: MailboxName, *, subscribed: bool
    ) -> None:
        names = self._state.owner(account).subscriptions
        if subscribed:
            names.add(name)
        else:
            names.discard(name)


def load(owner: Owner, mailbox: MailboxId) -> Box:
    """Raises `NotFound`."""
    if mailbox not in owner.boxes:
        raise NotFound("the mailbox is gone")
    return owner.boxes[mailbox]


def load_selectable(owner: Owner, mailbox: MailboxId) -> Box:
    """Raises `NotFound`, also for \\Noselect."""
    box = load(owner, mailbox)
    if not box.selectable:
        raise NotFound(f"{box.name} is only a name and holds no messages")
    return box


def load_target(owner: Owner, mailbox: MailboxId) -> Box:
    """Raises `NoSuchTarget`."""
    try:
        return load_selectable(owner, mailbox)
    except NotFound as error:
        raise NoSuchTarget(*error.args) from None


def create(owner: Owner, name: MailboxName, special_use: SpecialUse | None) -> tuple[Box, ModSeq]:
    """The mailbox and the mod_seq of the operation."""
    there = owner.box_named(name)
    if there is not None and there.selectable:
        raise AlreadyExists(f"there is a mailbox {name} already")
    if special_use is not None:
        for box in owner.boxes.values():
            if box.special_use is special_use:
                raise AlreadyExists(f"the mailbox {box.name} is {special_use.value} already")
    _check_count(owner, len(_missing_parents(owner, name)) + (there is None))
    mod_seq = owner.next_mod_seq()
    mailbox = MailboxId(owner.next_id()) if there is None else there.mailbox_id
    made = _new_box(owner, mailbox, name, special_use, owner.next_uid_validity(), mod_seq)
    if there is not None:
        made.uid_next = there.uid_next
    _create_parents(owner, name, mod_seq)
    made.acl = _inherited(owner, name)
    return made, mod_seq


def _check_count(owner: Owner, more: int) -> None:
    """Raises `TooMany`, `OverQuota`."""
    count, limit = len(owner.boxes) + more, owner.limits.mailboxes
    if more and count > MAX_MAILBOXES:
        raise TooMany(f"an account has at most {MAX_MAILBOXES} mailboxes")
    if more and limit is not None and count > limit:
        raise OverQuota(f"the account may have {limit} mailboxes")


def _new_box(
    owner: Owner,
    mailbox: MailboxId,
    name: MailboxName,
    special_use: SpecialUse | None,
    uid_validity: UidValidity,
    mod_seq: ModSeq,
) -> Box:
    box = Box(mailbox, name, special_use, uid_validity, mod_seq, mod_seq)
    box.touch(mod_seq)
    owner.boxes[mailbox] = box
    return box


def _missing_parents(owner: Owner, name: str) -> list[str]:
    levels = name.split("/")
    parents = ["/".join(levels[:depth]) for depth in range(1, len(levels))]
    return [parent for parent in parents if owner.box_named(parent) is None]


def _create_parents(owner: Owner, name: str, mod_seq: ModSeq) -> None:
    for parent in _missing_parents(owner, name):
        mailbox, validity = MailboxId(owner.next_id()), owner.next_uid_validity()
        made = _new_box(owner, mailbox, MailboxName(parent), None, validity, mod_seq)
        made.acl = _inherited(owner, parent)


def _inherited(owner: Owner, name: str) -> dict[tuple[Identifier, bool], Rights]:
    """The rights of the mailbox right above, which is made before what is below it."""
    above = owner.box_named(name.rpartition("/")[0])
    return {} if above is None else dict(above.acl)


def _below(owner: Owner, name: str) -> list[Box]:
    return [box for box in owner.boxes.values() if box.name.startswith(f"{name}/")]


def transfer(
    source: Box, uids: list[int], target: Box, mod_seq: ModSeq, *, keep: bool
) -> list[int]:
    """Place messages of one mailbox in another, or the same; the new UIDs."""
    fresh = list(range(target.uid_next, target.uid_next + len(uids)))
    target.uid_next += len(uids)
    for uid, new_uid in zip(uids, fresh, strict=True):
        placed = source.placed[uid]
        target.placed[new_uid] = type(placed)(
            placed.email, placed.flags, placed.keywords, mod_seq, now()
        )
        carry(source, uid, target, new_uid, mod_seq)
    target.touch(mod_seq)
    if not keep:
        remove(source, uids, mod_seq)
    return fresh


def carry(source: Box, uid: int, target: Box, new_uid: int, mod_seq: ModSeq) -> None:
    """Who has seen a message has seen it where it lies now, too."""
    for viewer, marks in list(source.marks.items()):
        if marks.get(uid, (False, 0))[0]:
            target.marks.setdefault(viewer, {})[new_uid] = (True, mod_seq)


def remove(box: Box, uids: list[int], mod_seq: ModSeq) -> None:
    for uid in uids:
        del box.placed[uid]
        box.gone[uid] = mod_seq
        for marks in box.marks.values():
            marks.pop(uid, None)
    box.touch(mod_seq)
