"""What several people may do with each other's mailboxes, by the rules of RFC 4314 alone.

Everybody has a \\Seen of their own in the mailboxes of others.
"""

from dataclasses import dataclass, field

from model.shadow import DELETED, Box, Look, changed

SEEN = "\\Seen"
EVERYTHING = frozenset("lrswite")
_ALLOWED = {
    "s": frozenset({SEEN}),
    "w": frozenset({"\\Flagged", "\\Answered", "\\Draft", "$a", "$b"}),
    "t": frozenset({DELETED}),
}


@dataclass(eq=False)
class Mail:
    """`flags` are the owner's; `seen_by` are the others who have seen it."""

    flags: Look
    seen_by: frozenset[str] = frozenset()


def allowed(rights: frozenset[str]) -> Look:
    """The flags that may be changed."""
    return frozenset().union(*(flags for right, flags in _ALLOWED.items() if right in rights))


@dataclass(eq=False)
class Room:
    """A mailbox. `views` are what people who know of it see there, kept by `show`."""

    owner: str
    name: str
    uid_next: int = 1
    uid_validity: int = 0  # learned
    mail: dict[int, Mail] = field(default_factory=dict)
    granted: dict[str, frozenset[str]] = field(default_factory=dict)
    views: dict[str, Box] = field(default_factory=dict)

    def rights(self, person: str) -> frozenset[str]:
        return EVERYTHING if person == self.owner else self.granted.get(person, frozenset())

    def called(self, person: str) -> str:
        return self.name if person == self.owner else f"Other Users/{self.owner}/{self.name}"

    def look(self, person: str, uid: int) -> Look:
        mail = self.mail[uid]
        if person == self.owner:
            return mail.flags
        return mail.flags - {SEEN} | ({SEEN} if person in mail.seen_by else frozenset())

    def show(self) -> None:
        for person, box in self.views.items():
            box.uid_next = self.uid_next
            box.messages = {uid: self.look(person, uid) for uid in sorted(self.mail)}

    def view(self, person: str) -> Box:
        box = self.views.setdefault(person, Box(self.name))
        self.show()
        return box

    # What is done there

    def add(self, person: str, look: Look, *, seen_by: frozenset[str] = frozenset()) -> int:
        """Somebody puts a message there that looks so to them; `look` is permitted."""
        if person == self.owner:
            mail = Mail(look, seen_by)
        else:
            mail = Mail(look - {SEEN}, seen_by | ({person} if SEEN in look else frozenset()))
        self.mail[self.uid_next] = mail
        self.uid_next += 1
        return self.uid_next - 1

    def store(self, person: str, uids: list[int], action: str, flags: Look) -> bool:
        """Whether any of it is permitted."""
        may = allowed(self.rights(person))
        if not (flags & may if flags else may):
            return False
        for uid in uids:
            before = self.look(person, uid)
            after = changed(before, action, flags & may) | (
                frozenset() if action else before - may
            )
            self._set(person, self.mail[uid], after)
        return True

    def _set(self, person: str, mail: Mail, look: Look) -> None:
        if person == self.owner:
            mail.flags = look
            return
        mail.flags = look - {SEEN} | mail.flags & {SEEN}
        mail.seen_by = mail.seen_by | {person} if SEEN in look else mail.seen_by - {person}

    def give(self, person: str, uids: list[int], target: "Room") -> list[int]:
        """COPY by somebody who may put messages there; the UIDs there."""
        return [self._give(person, uid, target) for uid in uids]

    def _give(self, person: str, uid: int, target: "Room") -> int:
        mail, rights = self.mail[uid], target.rights(person)
        if self.owner == target.owner:  # all marks go with it
            flags = mail.flags & (allowed(rights) | {SEEN})
            target.mail[target.uid_next] = Mail(flags, mail.seen_by)
            target.uid_next += 1
            return target.uid_next - 1
        return target.add(person, self.look(person, uid) & allowed(rights))

    def remove(self, uids: list[int]) -> None:
        for uid in uids:
            del self.mail[uid]
