"""Mailboxes as labels of messages, for X-GM-EXT-1 (Google's "IMAP Extensions" of Gmail).

A message has the label of each mailbox that it is in. Mailboxes with a special use have system
labels, and \\Starred is the flag \\Flagged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from postroad.core.mailbox.service import INBOX
from postroad.model.ids import EmailId, MailboxId
from postroad.model.mailbox import Flags, SpecialUse
from postroad.model.sharing import Place
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap import searchkeys as s
from postroad.wire.imap.gmailsearch import parse_raw
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.search import Search

STARRED = "\\Starred"
_NO_EMAILS = s.All(wanted=False)
_OF_USE = {
    SpecialUse.DRAFTS: "\\Draft",
    SpecialUse.IMPORTANT: "\\Important",
    SpecialUse.JUNK: "\\Spam",
    SpecialUse.SENT: "\\Sent",
    SpecialUse.TRASH: "\\Trash",
}
_OTHER_SPELLINGS = {"\\drafts": "\\draft", "\\junk": "\\spam", "\\flagged": "\\starred"}


def require_gmail(context: Context) -> None:
    """Raises `BadSyntax` where the extension is not turned on."""
    if not context.settings.gmail:
        raise BadSyntax("what was announced, which X-GM-EXT-1 was not", 0)


def is_starred(label: str) -> bool:
    return _plain(label) == STARRED.lower()


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of the account that is logged in, by mailbox."""

    by_mailbox: Mapping[MailboxId, str]
    places: Sequence[Place]

    @classmethod
    async def read(cls, context: Context) -> "Labels":
        places = [
            place
            for place in await context.reach.places(context.viewer)
            if place.mailbox.selectable and not (place.is_virtual or place.spot.is_foreign)
        ]
        return cls({place.mailbox.mailbox_id: _label(place) for place in places}, places)

    def find(self, label: str, *, is_loose: bool = False) -> Place | None:
        """The mailbox of a label."""
        wanted = _plain(label)
        for place in self.places:
            known = self.by_mailbox[place.mailbox.mailbox_id]
            if known.startswith("\\") and _plain(known) == wanted:
                return place
        for place in self.places:
            if place.name == label or (is_loose and _loose(place.name) == _loose(label)):
                return place
        return None

    @property
    def rest(self) -> MailboxId | None:
        """Where messages go that lose their last label."""
        found = (place for place in self.places if place.special_use is SpecialUse.ARCHIVE)
        return next((place.mailbox.mailbox_id for place in found), None)

    def encoded(self, mailboxes: Iterable[MailboxId], *, starred: bool, utf8: bool) -> bytes:
        """As FETCH tells them, those of the system first."""
        known = {self.by_mailbox[each] for each in mailboxes if each in self.by_mailbox}
        if starred:
            known.add(STARRED)
        ordered = sorted(known, key=lambda label: (not label.startswith("\\"), label))
        return b"(%b)" % b" ".join([_encoded(label, utf8=utf8) for label in ordered])


async def labels_of(context: Context, view: Selected, email_ids: Sequence[int]) -> Sequence[bytes]:
    """What X-GM-LABELS says of messages of the view."""
    if view.place.spot.is_foreign:  # how its owner keeps a message is nobody else's business
        return [b"(%b)" % mailbox_name(view.place.name, utf8=context.utf8)] * len(email_ids)
    labels = await Labels.read(context)
    emails = cast("Sequence[EmailId]", sorted(set(email_ids)))  # see Placements
    mailboxes: dict[int, list[MailboxId]] = {}
    starred: set[int] = set()
    for one in await context.mailboxes.held(view.place, emails):
        mailboxes.setdefault(one.email_id, []).append(one.mailbox)
        if one.flags & Flags.FLAGGED:
            starred.add(one.email_id)
    return [
        labels.encoded(mailboxes.get(email, ()), starred=email in starred, utf8=context.utf8)
        for email in email_ids
    ]


async def with_labels(context: Context, search: Search) -> Search:
    """The search with the emails that its labels stand for. Raises `BadSyntax`."""
    if not search.uses_gmail:
        return search
    require_gmail(context)
    expansion = _Expansion(context, await Labels.read(context))
    return replace(search, key=await expansion.key(search.key))


@dataclass(frozen=True, slots=True)
class _Expansion:
    context: Context
    labels: Labels

    async def key(self, key: s.Key) -> s.Key:
        match key:
            case s.GmailRaw():
                return await self.key(parse_raw(key.text))
            case s.HasLabel():
                return await self._labelled(key)
            case s.Fuzzy():
                return s.Fuzzy(await self.key(key.key))
            case s.Not():
                return s.Not(await self.key(key.key))
            case s.And():
                return s.And(tuple([await self.key(each) for each in key.keys]))
            case s.Or():
                return s.Or((await self.key(key.keys[0]), await self.key(key.keys[1])))
            case _:
                return key

    async def _labelled(self, key: s.HasLabel) -> s.Key:
        if is_starred(key.label):
            return s.HasFlag("\\Flagged", wanted=True)
        place = self.labels.find(key.label, is_loose=key.is_loose)
        if place is None:
            return _NO_EMAILS
        snapshot = await self.context.mailboxes.snapshot(place)
        return s.HasEmail(place.owner, frozenset(snapshot.placements.email_ids))


def _label(place: Place) -> str:
    if place.mailbox.name == INBOX:
        return "\\Inbox"
    use = place.special_use
    return place.name if use is None else _OF_USE.get(use, place.name)


def _encoded(label: str, *, utf8: bool) -> bytes:
    return label.encode() if label.startswith("\\") else mailbox_name(label, utf8=utf8)


def _plain(label: str) -> str:
    lower = label.lower()
    return _OTHER_SPELLINGS.get(lower, lower)


def _loose(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.casefold())
