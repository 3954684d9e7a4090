"""What a client is told of annotations that others changed (RFC 5464, RFC 5465)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from postroad.core.mailbox.metadata import Annotated, Annotations
from postroad.model.ids import AccountId, MailboxId, ModSeq
from postroad.model.sharing import Viewer
from postroad.stores.metadata import Marks
from postroad.wire.imap.metadata import MetadataChanged

Key = tuple[AccountId, MailboxId]


@dataclass(slots=True)
class Annotating:
    """Up to where the client knows the annotations of each owner, and what it changed itself."""

    known: dict[AccountId, ModSeq] = field(default_factory=dict)
    own: set[tuple[AccountId, ModSeq]] = field(default_factory=set)
    server: tuple[AccountId, ...] = ()  # with whom the annotations of the server lie

    def made(self, marks: Marks) -> None:
        """The client made these changes and needs not be told (RFC 5464 section 4.3)."""
        if self.known:
            self.own.update(marks.items())

    async def server_owners(self, annotations: Annotations, viewer: Viewer) -> set[AccountId]:
        if not self.server:
            self.server = tuple(await annotations.server_owners(viewer))
        return set(self.server)

    async def look(
        self,
        annotations: Annotations,
        viewer: Viewer,
        owners: Iterable[AccountId],
        *,
        told: bool,
    ) -> list[Annotated]:
        """What others changed since the last look, if it can be told now.

        From now on look after `owners` and no others.
        """
        found = await self._changed(annotations, viewer) if told else []
        wanted = set(owners)
        fresh = await annotations.marks([owner for owner in wanted if owner not in self.known])
        kept = {owner: mark for owner, mark in self.known.items() if owner in wanted}
        self.known = {**kept, **fresh}
        return found

    async def _changed(self, annotations: Annotations, viewer: Viewer) -> list[Annotated]:
        now = await annotations.marks(list(self.known))
        grown = {owner: mark for owner, mark in self.known.items() if now.get(owner, 0) > mark}
        found = await annotations.changed(viewer, grown)
        own, self.own = self.own, set()
        for owner in grown:
            self.known[owner] = now[owner]
        for each in found:
            self.known[each.owner] = max(self.known[each.owner], each.mod_seq)
        return [each for each in found if (each.owner, each.mod_seq) not in own]


def annotation_news(
    found: Iterable[Annotated],
    name_of: Callable[[Key], str | None],
    *,
    server: bool,
    utf8: bool,
) -> Iterator[MetadataChanged]:
    """One response for the server and each mailbox that `name_of` names, each entry once."""
    by_name: dict[str, dict[str, None]] = {}
    for each in found:
        if each.mailbox is None:
            name = "" if server else None
        else:
            name = name_of((each.owner, each.mailbox))
        if name is not None:
            by_name.setdefault(name, {})[each.entry] = None
    for name, entries in by_name.items():
        yield MetadataChanged(name, list(entries), utf8)
