"""Expunged messages in memory, and bringing them back."""

from collections.abc import Sequence

from postroad.adapters.memory.state import Box, Kept, MemoryState, Owner, Placed, now
from postroad.base.errors import NotFound, OverQuota
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import Flags
from postroad.model.undelete import KeptMessage, RestoredMessage


class MemoryUndelete:
    """The part of the store of mail that is about messages that were expunged."""

    _state: MemoryState

    async def expunged(
        self,
        account: AccountId,
        limit: int,
        *,
        mailbox: MailboxName | None = None,
        since: Moment | None = None,
    ) -> list[KeptMessage]:
        owner = self._state.owners.get(account)
        found = [
            kept
            for kept in (owner.expunged if owner else [])
            if (mailbox is None or kept.mailbox == mailbox) and (since is None or kept.at >= since)
        ]
        found.sort(key=lambda kept: (-kept.at, kept.mailbox_id, kept.uid))
        return [_message(kept) for kept in found[:limit]]

    async def restore(
        self, account: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
    ) -> list[RestoredMessage]:
        owner = self._state.owner(account)
        wanted = set(messages)
        found = [kept for kept in owner.expunged if (kept.mailbox_id, kept.uid) in wanted]
        found.sort(key=lambda kept: (kept.mailbox_id, kept.uid))
        if not found:
            return []
        targets = [_target(owner, kept) for kept in found]
        if not owner.has_room(sum(kept.placed.email.new.size for kept in found), len(found)):
            raise OverQuota("the account has no room left")
        mod_seq = owner.next_mod_seq()
        restored = []
        for kept, box in zip(found, targets, strict=True):
            old, uid = kept.placed, box.uid_next
            flags = old.flags & ~Flags.DELETED
            box.uid_next += 1
            box.placed[uid] = Placed(old.email, flags, old.keywords, mod_seq, now())
            owner.expunged.remove(kept)
            restored.append(RestoredMessage(kept.mailbox_id, Uid(kept.uid), box.name, Uid(uid)))
        for box in {box.mailbox_id: box for box in targets}.values():
            box.touch(mod_seq)
        return restored


def _target(owner: Owner, kept: Kept) -> Box:
    for box in (
        owner.boxes.get(kept.mailbox_id),
        owner.box_named(kept.mailbox),
        owner.box_named("INBOX"),
    ):
        if box is not None and box.selectable:
            return box
    raise NotFound("there is no INBOX")


def _message(kept: Kept) -> KeptMessage:
    placed, new = kept.placed, kept.placed.email.new
    return KeptMessage(
        mailbox_id=kept.mailbox_id,
        uid=Uid(kept.uid),
        mailbox=kept.mailbox,
        email_id=placed.email.email_id,
        expunged_at=kept.at,
        flags=Flags(placed.flags),
        keywords=placed.keywords,
        size=new.size,
        internal_date=new.internal_date,
        subject=new.prepared.subject_base,
        preview=new.prepared.preview,
    )
