"""What is said about mailboxes: LIST, LSUB and STATUS (RFC 9051 section 7.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroad.wire.imap import utf7
from postroad.wire.imap.responses import astring, quoted, string
from postroad.wire.imap.status import StatusItem


def mailbox_name(name: str, *, utf8: bool) -> bytes:
    """A name as the client reads it: UTF-8 if it enabled that, else modified UTF-7."""
    if not utf8:
        return astring(utf7.encode(name))
    octets = name.encode(errors="replace")
    if octets.isascii():
        return astring(octets)
    if len(octets) < 1000 and not any(control in octets for control in b"\x00\r\n"):
        return quoted(octets)
    return string(octets)


@dataclass(frozen=True, slots=True)
class ListEntry:
    """LIST (RFC 9051 section 7.3.1). `child_info` and `old_name` are its extended items."""

    name: str
    attributes: Sequence[str]
    utf8: bool
    separator: str = "/"
    child_info: Sequence[str] = ()
    old_name: str | None = None

    def encode(self) -> bytes:
        extended = []
        if self.child_info:
            criteria = b" ".join(quoted(word.encode()) for word in self.child_info)
            extended.append(b'"CHILDINFO" (%b)' % criteria)
        if self.old_name is not None:
            extended.append(b'"OLDNAME" (%b)' % mailbox_name(self.old_name, utf8=self.utf8))
        end = b" (%b)" % b" ".join(extended) if extended else b""
        return b"* LIST " + _attributes_and_name(self) + end + b"\r\n"


@dataclass(frozen=True, slots=True)
class LsubEntry:
    """LSUB (RFC 3501 section 7.2.3)."""

    name: str
    attributes: Sequence[str]
    utf8: bool
    separator: str = "/"

    def encode(self) -> bytes:
        return b"* LSUB " + _attributes_and_name(self) + b"\r\n"


@dataclass(frozen=True, slots=True)
class Separator:
    """The answer to LIST with an empty pattern (RFC 9051 section 6.3.9)."""

    separator: str = "/"

    def encode(self) -> bytes:
        return b'* LIST (\\Noselect) %b ""\r\n' % quoted(self.separator.encode())


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """STATUS (RFC 9051 section 7.3.2). None is written NIL, text as object identifier."""

    name: str
    values: Mapping[StatusItem, int | str | None]
    utf8: bool

    def encode(self) -> bytes:
        items = b" ".join(
            b"%b %b" % (item.value, _status_value(value)) for item, value in self.values.items()
        )
        return b"* STATUS %b (%b)\r\n" % (mailbox_name(self.name, utf8=self.utf8), items)


def _status_value(value: int | str | None) -> bytes:
    if value is None:
        return b"NIL"
    return b"%d" % value if isinstance(value, int) else b"(%b)" % value.encode()


def _attributes_and_name(entry: ListEntry | LsubEntry) -> bytes:
    return b"(%b) %b %b" % (
        " ".join(entry.attributes).encode(),
        quoted(entry.separator.encode()),
        mailbox_name(entry.name, utf8=entry.utf8),
    )
