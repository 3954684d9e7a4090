"""Annotations in memory: with the boxes, and those of the server with their owner."""

from collections.abc import Mapping, Sequence

from postroad.adapters.memory.mailboxes import load
from postroad.adapters.memory.state import MemoryState, Notes
from postroad.base.errors import TooMany
from postroad.model.ids import AccountId, MailboxId, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject, is_private
from postroad.stores.metadata import Marks, MetadataStore


class MemoryMetadataStore(MetadataStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def annotations(self, subject: Subject) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for owner in subject.owners:
            there = self._state.owners.get(owner)
            if there is None or (
                subject.mailbox is not None and subject.mailbox not in there.boxes
            ):
                continue
            notes = self._notes(owner, subject.mailbox)
            found |= notes.get(None, {}) if owner == subject.owner else {}
            if subject.mailbox is not None or owner == subject.viewer:
                found |= notes.get(subject.viewer, {})
        return dict(sorted(found.items(), key=lambda pair: (is_private(pair[0]), pair[0])))

    async def annotate(
        self, subject: Subject, values: Mapping[str, bytes | None], limits: AnnotationLimits
    ) -> Marks:
        if subject.mailbox is not None:
            load(self._state.owner(subject.owner), subject.mailbox)
        before = await self.annotations(subject)
        changed = {name: value for name, value in values.items() if before.get(name) != value}
        planned = [
            (owner, whose, self._planned(subject, owner, whose, changed, limits))
            for owner in subject.owners
            for whose in (None, subject.viewer)
        ]
        for owner, whose, notes in planned:
            if notes is not None:
                self._notes(owner, subject.mailbox)[whose] = notes
        marks: dict[AccountId, ModSeq] = {}
        for owner in subject.owners:
            names = [name for name in changed if subject.owner_of(name) == owner]
            if names:
                marks[owner] = self._record(subject, owner, names)
        return marks

    async def marks(self, owners: Sequence[AccountId]) -> Marks:
        found = self._state.owners
        return {owner: found[owner].mod_seq for owner in owners if owner in found}

    async def annotated(
        self, owner: AccountId, viewer: AccountId, since: ModSeq
    ) -> Sequence[tuple[ModSeq, MailboxId | None, str]]:
        there = self._state.owners.get(owner)
        return [
            (mod_seq, mailbox, name)
            for mod_seq, mailbox, whose, name in (there.annotated if there else ())
            if mod_seq > since and whose in (None, viewer)
        ]

    def _notes(self, owner: AccountId, mailbox: MailboxId | None) -> Notes:
        there = self._state.owner(owner)
        return there.notes if mailbox is None else there.boxes[mailbox].notes

    def _planned(
        self,
        subject: Subject,
        owner: AccountId,
        whose: AccountId | None,
        changed: Mapping[str, bytes | None],
        limits: AnnotationLimits,
    ) -> dict[str, bytes] | None:
        """What one scope will hold; None where nothing changes. Raises `TooMany`."""
        mine = {
            name: value
            for name, value in changed.items()
            if subject.owner_of(name) == owner and is_private(name) == (whose is not None)
        }
        if not mine:
            return None
        before = self._notes(owner, subject.mailbox).get(whose, {})
        now = {**before, **{name: value for name, value in mine.items() if value is not None}}
        for name, value in mine.items():
            if value is None:
                now.pop(name, None)
        if len(now) > max(len(before), limits.entries):
            raise TooMany(f"there are at most {limits.entries} annotations")
        used = self._used(owner, whose)
        if used - _octets(before) + _octets(now) > max(used, limits.octets):
            raise TooMany(f"the annotations of an account have at most {limits.octets} octets")
        return now

    def _used(self, owner: AccountId, whose: AccountId | None) -> int:
        there = self._state.owner(owner)
        all_notes = [there.notes, *(box.notes for box in there.boxes.values())]
        return sum(_octets(notes.get(whose, {})) for notes in all_notes)

    def _record(self, subject: Subject, owner: AccountId, names: Sequence[str]) -> ModSeq:
        there = self._state.owner(owner)
        mod_seq = there.next_mod_seq()
        for name in names:
            whose = subject.viewer if is_private(name) else None
            there.annotated.append((mod_seq, subject.mailbox, whose, name))
        if subject.mailbox is not None:
            there.boxes[subject.mailbox].touch(mod_seq)
        return mod_seq


def _octets(notes: Mapping[str, bytes]) -> int:
    return sum(len(name) + len(value) for name, value in notes.items())
