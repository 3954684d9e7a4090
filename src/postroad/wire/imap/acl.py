"""Rights to mailboxes, as commands ask for them and responses tell them (RFC 4314)."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroad.model.sharing import AclAction, AclEntry, Rights
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.responses import astring

_LETTERS = {
    "l": Rights.LOOKUP,
    "r": Rights.READ,
    "s": Rights.SEEN,
    "w": Rights.WRITE,
    "i": Rights.INSERT,
    "p": Rights.POST,
    "k": Rights.CREATE,
    "x": Rights.DELETE,
    "t": Rights.DELETE_MESSAGES,
    "e": Rights.EXPUNGE,
    "a": Rights.ADMIN,
}
# RFC 4314 section 2.1.1: rights of RFC 2086, each of which stands for others.
_OBSOLETE = {
    "c": Rights.CREATE | Rights.DELETE,
    "d": Rights.DELETE_MESSAGES | Rights.EXPUNGE,
}
_KNOWN = _LETTERS | _OBSOLETE
_ACTIONS = {"+": AclAction.ADD, "-": AclAction.REMOVE}


@dataclass(frozen=True, slots=True)
class SetAcl:
    mailbox: str
    identifier: str
    action: AclAction
    rights: Rights


@dataclass(frozen=True, slots=True)
class Identified:
    """The arguments of DELETEACL and LISTRIGHTS."""

    mailbox: str
    identifier: str


def parse_set_acl(cursor: Cursor) -> SetAcl:
    """RFC 4314 section 3.1."""
    about = _identified(cursor)
    cursor.sp()
    action, rights = parse_modification(_text(cursor))
    cursor.end()
    return SetAcl(about.mailbox, about.identifier, action, rights)


def parse_identified(cursor: Cursor) -> Identified:
    """RFC 4314 sections 3.2 and 3.4."""
    about = _identified(cursor)
    cursor.end()
    return about


def parse_modification(text: str) -> tuple[AclAction, Rights]:
    """``+``, ``-`` or nothing, and the rights. Raises `BadSyntax`."""
    action = _ACTIONS.get(text[:1], AclAction.REPLACE)
    return action, parse_rights(text[1:] if text[:1] in _ACTIONS else text)


def parse_rights(text: str) -> Rights:
    """Letters in any order. Raises `BadSyntax`: unknown ones must not be passed over."""
    rights = Rights.NONE
    for at, letter in enumerate(text):
        if letter not in _KNOWN:
            raise BadSyntax(f"rights out of {''.join(_KNOWN)}", at)
        rights |= _KNOWN[letter]
    return rights


def encode_rights(rights: Rights) -> str:
    """With the obsolete letters, as RFC 4314 section 2.1.1 asks of responses."""
    return "".join(letter for letter, right in _KNOWN.items() if rights & right)


@dataclass(frozen=True, slots=True)
class Acl:
    """ACL (RFC 4314 section 3.6)."""

    mailbox: str
    entries: Sequence[AclEntry]
    utf8: bool

    def encode(self) -> bytes:
        words = [mailbox_name(self.mailbox, utf8=self.utf8)]
        for entry in self.entries:
            name = "-" + entry.identifier if entry.negative else entry.identifier
            words += [astring(name.encode()), astring(encode_rights(entry.rights).encode())]
        return b"* ACL %b\r\n" % b" ".join(words)


@dataclass(frozen=True, slots=True)
class ListRights:
    """LISTRIGHTS (RFC 4314 section 3.7): no right is tied to another."""

    mailbox: str
    identifier: str
    required: Rights
    optional: Rights
    utf8: bool

    def encode(self) -> bytes:
        words = [
            mailbox_name(self.mailbox, utf8=self.utf8),
            astring(self.identifier.encode()),
            astring(encode_rights(self.required).encode()),
            *(letter.encode() for letter in encode_rights(self.optional)),
        ]
        return b"* LISTRIGHTS %b\r\n" % b" ".join(words)


@dataclass(frozen=True, slots=True)
class MyRights:
    """MYRIGHTS (RFC 4314 section 3.8)."""

    mailbox: str
    rights: Rights
    utf8: bool

    def encode(self) -> bytes:
        name = mailbox_name(self.mailbox, utf8=self.utf8)
        return b"* MYRIGHTS %b %b\r\n" % (name, astring(encode_rights(self.rights).encode()))


def _identified(cursor: Cursor) -> Identified:
    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    identifier = _text(cursor)
    if not identifier.removeprefix("-").strip():
        raise cursor.wrong("an identifier that is not empty")
    return Identified(mailbox, identifier)


def _text(cursor: Cursor) -> str:
    octets = cursor.astring()
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise cursor.wrong("UTF-8") from None
    if not text.isprintable():
        raise cursor.wrong("text without control characters")
    return text
