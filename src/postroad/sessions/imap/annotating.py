"""What a client that enabled METADATA is told of annotations that others changed (RFC 5464)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from postroad.core.mailbox.metadata import Annotated, Annotations
from postroad.model.ids import AccountId, ModSeq
from postroad.model.sharing import Place, Viewer
from postroad.stores.metadata import Marks
from postroad.wire.imap.metadata import MetadataChanged


@dataclass(slots=True)
class Annotating:
    """Up to where the client knows the annotations of each owner, and what it changed itself."""

    known: dict[AccountId, ModSeq] = field(default_factory=dict)
    own: set[tuple[AccountId, ModSeq]] = field(default_factory=set)
    server: tuple[AccountId, ...] = ()  # with whom the annotations of the server lie

    def made(self, marks: Marks) -> None:
        """The client made these changes and needs not be told (RFC 5464 section 4.3)."""
        self.own.update(marks.items())

    async def news(self, annotations: Annotations, viewer: Viewer) -> list[Annotated]:
        """What others changed since the last look, with the owners that `owners` names."""
        now = await annotations.marks(list(self.known))
        grown = {owner: mark for owner, mark in self.known.items() if now.get(owner, 0) > mark}
        found = await annotations.changed(viewer, grown)
        own, self.own = self.own, set()
        for owner in grown:
            self.known[owner] = now[owner]
        for each in found:
            self.known[each.owner] = max(self.known[each.owner], each.mod_seq)
        return [each for each in found if (each.owner, each.mod_seq) not in own]

    async def watch(self, annotations: Annotations, viewer: Viewer, place: Place | None) -> None:
        """Look after the server and, if there is one, the owner of the selected mailbox."""
        if not self.server:
            self.server = tuple(await annotations.server_owners(viewer))
        wanted = {*self.server, *([] if place is None else [place.owner])}
        fresh = await annotations.marks([owner for owner in wanted if owner not in self.known])
        kept = {owner: mark for owner, mark in self.known.items() if owner in wanted}
        self.known = {**kept, **fresh}


def annotation_news(
    found: list[Annotated], place: Place | None, *, utf8: bool
) -> Iterator[MetadataChanged]:
    """One response for the server and one for the selected mailbox, each entry once."""
    server = [each.entry for each in found if each.mailbox is None]
    if server:
        yield MetadataChanged("", list(dict.fromkeys(server)), utf8)
    if place is None:
        return
    key = place.owner, place.mailbox.mailbox_id
    selected = [each.entry for each in found if (each.owner, each.mailbox) == key]
    if selected:
        yield MetadataChanged(place.name, list(dict.fromkeys(selected)), utf8)
