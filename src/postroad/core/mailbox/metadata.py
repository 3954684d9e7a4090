"""Annotations of mailboxes and of the server (RFC 5464): who may read and set which.

The shared annotations of the server are those of the tenant; its administrators set them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroad.base.errors import NotFound, NotPermitted, TooLarge
from postroad.base.phrases import phrase
from postroad.core.mailbox.reach import Reach
from postroad.model.directory import Role
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject, is_private
from postroad.model.sharing import Place, Rights, Viewer
from postroad.ports.bus import Bus
from postroad.stores.directory import DirectoryStore
from postroad.stores.metadata import Marks, MetadataStore

# RFC 5464 section 3.3: with the right to look it up, one of these is enough.
_ANY = Rights.READ | Rights.SEEN | Rights.WRITE | Rights.INSERT | Rights.POST
_ADMIN = "/shared/admin"  # RFC 5464 section 6.2.2: how to reach the administrator, read-only


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotation that changed."""

    mod_seq: ModSeq
    owner: AccountId
    mailbox: MailboxId | None  # None: the server's
    entry: str


class Annotations:
    def __init__(
        self,
        reach: Reach,
        store: MetadataStore,
        directory: DirectoryStore,
        bus: Bus,
        limits: AnnotationLimits,
    ) -> None:
        self._reach = reach
        self._store = store
        self._directory = directory
        self._bus = bus
        self.limits = limits

    async def of_mailbox(self, viewer: Viewer, name: MailboxName) -> Mapping[str, bytes]:
        """By name, shared ones first. Raises `NotFound`, `NotPermitted`."""
        return await self.of_place(viewer, await self._place(viewer, name))

    async def of_place(self, viewer: Viewer, place: Place) -> Mapping[str, bytes]:
        """Those of a mailbox that was reached already; none where the rights do not allow it."""
        if not _allowed(place):
            return {}
        return await self._store.annotations(_subject(viewer, place))

    async def of_server(self, viewer: Viewer) -> Mapping[str, bytes]:
        found = await self._store.annotations(await self._server(viewer))
        account = await self._directory.load_account(viewer.account)
        # The postmaster of every domain is always read by somebody (RFC 5321 section 4.5.1).
        admin = f"mailto:postmaster@{account.address.rpartition('@')[2]}"
        return {_ADMIN: admin.encode(), **found}

    async def annotate_mailbox(
        self, viewer: Viewer, name: MailboxName, values: Mapping[str, bytes | None]
    ) -> Marks:
        """All or nothing. Raises `NotFound`, `NotPermitted`, `TooLarge`, `TooMany`."""
        place = await self._place(viewer, name)
        if place.is_virtual:
            raise NotPermitted("a virtual mailbox has no annotations")
        return await self._annotate(_subject(viewer, place), values)

    async def annotate_server(self, viewer: Viewer, values: Mapping[str, bytes | None]) -> Marks:
        """Raises `NotPermitted`, `TooLarge`, `TooMany`."""
        shared = [entry for entry in values if not is_private(entry)]
        if _ADMIN in shared:
            raise NotPermitted(phrase("{name} cannot be changed", name=_ADMIN))
        if shared:
            account = await self._directory.load_account(viewer.account)
            if account.role is Role.MEMBER:
                raise NotPermitted("only administrators annotate the server for all")
        return await self._annotate(await self._server(viewer), values)

    async def marks(self, owners: Sequence[AccountId]) -> Marks:
        """Up to where the changes of these owners go now."""
        return await self._store.marks(owners)

    async def changed(self, viewer: Viewer, since: Marks) -> list[Annotated]:
        """What the viewer sees of annotations that changed, of each owner in its order."""
        return [
            Annotated(mod_seq, owner, mailbox, entry)
            for owner, mark in since.items()
            for mod_seq, mailbox, entry in await self._store.annotated(owner, viewer.account, mark)
        ]

    async def server_owners(self, viewer: Viewer) -> Sequence[AccountId]:
        """With whom the annotations of the server lie."""
        return (await self._server(viewer)).owners

    async def _annotate(self, subject: Subject, values: Mapping[str, bytes | None]) -> Marks:
        longest = max((len(value) for value in values.values() if value is not None), default=0)
        if longest > self.limits.value_octets:
            raise TooLarge(
                phrase(
                    "an annotation has at most {most} octets",
                    most=self.limits.value_octets,
                )
            )
        marks = await self._store.annotate(subject, values, self.limits)
        for owner in marks:
            self._bus.announce(owner)
        return marks

    async def _place(self, viewer: Viewer, name: MailboxName) -> Place:
        place = await self._reach.known(viewer, name)
        if Rights.LOOKUP not in place.rights:
            raise NotFound(phrase("there is no mailbox {name}", name=name))
        if not _allowed(place):
            raise NotPermitted("you do not have the right to do this")
        return place

    async def _server(self, viewer: Viewer) -> Subject:
        tenant = await self._directory.find_tenant(viewer.tenant)
        if tenant is None:
            raise NotFound("the tenant is gone")
        return Subject(tenant.sending_account, None, viewer.account)


def _allowed(place: Place) -> bool:
    return Rights.LOOKUP in place.rights and bool(place.rights & _ANY)


def _subject(viewer: Viewer, place: Place) -> Subject:
    return Subject(place.owner, place.mailbox.mailbox_id, viewer.account)
