"""Virtual mailboxes: what belongs into them, and keeping them up to date when somebody looks."""

import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad.base.errors import AlreadyExists, Invalid, NotPermitted
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import Mailbox, SpecialUse
from postroad.model.sharing import ALL_RIGHTS, Place, Rights, Spot, Viewer
from postroad.model.virtual import (
    BUILT_IN,
    PREFIX,
    Fold,
    Look,
    VirtualMailbox,
    VirtualState,
    is_virtual,
)
from postroad.stores.mail import MailStore
from postroad.stores.virtual import VirtualStore

# Messages come and go where they really are, and nobody else has rights to a saved search.
_RIGHTS = ALL_RIGHTS & ~(Rights.INSERT | Rights.POST | Rights.CREATE | Rights.ADMIN)
_UNWANTED = frozenset((SpecialUse.JUNK, SpecialUse.TRASH))
_AT_ONCE = 5000  # messages that come in one operation
_TRIES = 5
_MAX_NAME = 200


class Matching(Protocol):
    """Evaluates search keys, which are the business of a protocol."""

    @abstractmethod
    async def matching(
        self, account: AccountId, mailbox: Mailbox, uids: Sequence[Uid] | None, search: str
    ) -> Sequence[Uid]:
        """The messages that match, of `uids` only if given; ascending."""
        ...


class VirtualMailboxes:
    def __init__(self, store: VirtualStore, mail: MailStore, searches: Matching) -> None:
        self._store = store
        self._mail = mail
        self._searches = searches

    async def places(self, viewer: Viewer) -> list[Place]:
        """All of the viewer's, as they were when last looked at."""
        return [_place(viewer, each) for each in await self._all(viewer.account)]

    async def find(self, viewer: Viewer, name: MailboxName) -> Place | None:
        for each in await self._all(viewer.account):
            if each.mailbox.name == name:
                return _place(viewer, each)
        return None

    async def delete(self, place: Place) -> None:
        """Raises `NotPermitted` for a built-in one, `NotFound`."""
        if place.special_use is not None:
            raise NotPermitted("this mailbox is always there")
        await self._store.delete_virtual(place.owner, place.mailbox.mailbox_id)

    async def refresh(self, account: AccountId, virtual: MailboxId) -> Mailbox:
        """Bring it up to date. Raises `NotFound`, `TryLater`."""
        for _ in range(_TRIES):
            state = await self._store.virtual_state(account, virtual)
            work = _Work(state, _scope(state))
            if not work.is_needed:
                break
            await self._fold(account, work)
        # Mail may come all the time: the rest is for whoever looks next.
        return state.virtual.mailbox

    async def _fold(self, account: AccountId, work: "_Work") -> None:
        virtual = work.state.virtual
        looks = [await self._look(account, virtual, mailbox) for mailbox in work.changed]
        for fold in work.folds(looks):
            if not await self._store.fold(account, virtual.mailbox.mailbox_id, fold):
                return  # somebody else was faster

    async def _look(self, account: AccountId, virtual: VirtualMailbox, mailbox: Mailbox) -> Look:
        uids: list[Uid] | None = None
        is_new = mailbox.mailbox_id not in virtual.scope
        if not is_new:
            changes = await self._mail.changes(account, mailbox.mailbox_id, virtual.folded)
            if changes.complete:
                uids = [Uid(uid) for uid in sorted({*changes.expunged, *changes.placed.uids})]
        matching = await self._searches.matching(account, mailbox, uids, virtual.search)
        return Look(mailbox.mailbox_id, uids, matching, changed=not is_new)

    async def _all(self, account: AccountId) -> Sequence[VirtualMailbox]:
        found = await self._store.virtuals(account)
        names = {each.mailbox.name for each in found}
        missing = [new for new in BUILT_IN if PREFIX + new.name not in names]
        for new in missing:
            try:
                await self._store.create_virtual(account, new)
            except AlreadyExists:
                continue  # by another session, just now
        return await self._store.virtuals(account) if missing else found


def acceptable_name(name: str) -> str:
    """The name in NFC, without the prefix. Raises `Invalid`."""
    wanted = unicodedata.normalize("NFC", name)
    if not wanted.strip() or len(wanted) > _MAX_NAME:
        raise Invalid(
            phrase("the name of a virtual mailbox has 1 to {most} characters", most=_MAX_NAME)
        )
    if any(
        each in "/%*" or unicodedata.category(each)[0] in "CZ" for each in wanted.replace(" ", "")
    ):
        raise Invalid("the name of a virtual mailbox has no /, %, * or control characters")
    return wanted


def _is_good(letter: str) -> bool:
    return letter not in "/%*" and unicodedata.category(letter)[0] not in "CZ"


def refuse_virtual(mailbox: MailboxId) -> None:
    """Raises `Invalid`."""
    if is_virtual(mailbox):
        raise Invalid("a virtual mailbox shows messages of others; put them into one of those")


@dataclass(frozen=True, slots=True)
class _Work:
    """What has to be looked at anew."""

    state: VirtualState
    scope: Sequence[Mailbox]

    @property
    def changed(self) -> list[Mailbox]:
        virtual = self.state.virtual
        return [
            mailbox
            for mailbox in self.scope
            if mailbox.mod_seq > virtual.folded or mailbox.mailbox_id not in virtual.scope
        ]

    @property
    def scope_ids(self) -> frozenset[MailboxId]:
        return frozenset(mailbox.mailbox_id for mailbox in self.scope)

    @property
    def is_needed(self) -> bool:
        return bool(self.changed) or self.scope_ids != self.state.virtual.scope

    def folds(self, looks: Sequence[Look]) -> Iterator[Fold]:
        """What is new in slices, then the rest in one."""
        for look in looks:
            if look.uids is None:
                for start in range(0, len(look.matching) - _AT_ONCE, _AT_ONCE):
                    some = look.matching[start : start + _AT_ONCE]
                    yield self._fold([Look(look.mailbox, some, some, changed=False)], last=False)
        yield self._fold(looks, last=True)

    def _fold(self, looks: Sequence[Look], *, last: bool) -> Fold:
        state = self.state
        return Fold(state.virtual.folded, state.mod_seq, looks, self.scope_ids, is_last=last)


def _scope(state: VirtualState) -> list[Mailbox]:
    """The mailboxes that it is about; of those named the ones that are there."""
    within = state.virtual.within
    selectable = [mailbox for mailbox in state.mailboxes if mailbox.selectable]
    if within:
        return [mailbox for mailbox in selectable if mailbox.name in within]
    unwanted = [each.name for each in state.mailboxes if each.special_use in _UNWANTED]
    return [
        mailbox
        for mailbox in selectable
        if not any(
            mailbox.name == name or mailbox.name.startswith(f"{name}/") for name in unwanted
        )
    ]


def _place(viewer: Viewer, virtual: VirtualMailbox) -> Place:
    rights = _RIGHTS & ~Rights.DELETE if virtual.is_built_in else _RIGHTS
    return Place(Spot(viewer.account, virtual.mailbox.name), virtual.mailbox, rights)
