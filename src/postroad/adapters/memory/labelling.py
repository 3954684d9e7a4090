"""Where emails are placed, in memory."""

from collections.abc import Sequence

from postroad.adapters.memory.mailboxes import load_target, remove, transfer
from postroad.adapters.memory.state import MemoryState
from postroad.base.errors import OverQuota
from postroad.model.ids import AccountId, EmailId, MailboxId, Uid
from postroad.model.labels import Held, LabelChange, plan
from postroad.model.mailbox import Flags


class MemoryLabels:
    """The part of the store of mail that looks at it from the emails."""

    _state: MemoryState

    async def held(self, account: AccountId, emails: Sequence[EmailId]) -> list[Held]:
        owner = self._state.owners.get(account)
        found = [
            Held(email, box.mailbox_id, Uid(uid), Flags(box.placed[uid].flags))
            for email in set(emails)
            for box, uid in (owner.holders(email) if owner else ())
        ]
        return sorted(found, key=lambda one: (one.email_id, one.mailbox, one.uid))

    async def relabel(
        self, account: AccountId, emails: Sequence[EmailId], change: LabelChange
    ) -> list[tuple[MailboxId, Sequence[Uid]]]:
        owner = self._state.owner(account)
        for mailbox in change.add:
            load_target(owner, mailbox)
        found = plan(await self.held(account, emails), change)
        copied = [
            owner.boxes[source].placed[uid].email.new.size
            for (source, _), uids in found.copies.items()
            for uid in uids
        ]
        if not owner.has_room(sum(copied), len(copied)):
            raise OverQuota("the account has no room left")
        placed: list[tuple[MailboxId, Sequence[Uid]]] = []
        for pairs, keep in ((found.copies, True), (found.moves, False)):
            for (source, target), uids in pairs.items():
                old, new = owner.boxes[source], load_target(owner, target)
                wanted = sorted(map(int, uids))
                fresh = transfer(old, wanted, new, owner.next_mod_seq(), keep=keep)
                placed.append((target, [Uid(uid) for uid in fresh]))
        for mailbox, uids in found.removals.items():
            box = owner.boxes[mailbox]
            owner.keep(box, uids)
            remove(box, sorted(map(int, uids)), owner.next_mod_seq())
        return placed
