"""CREATE, RENAME and ID as the client writes them (RFC 9051 section 6.3, RFC 6154, RFC 2971)."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor

_MAX_ID_FIELDS = 30


@dataclass(frozen=True, slots=True)
class Create:
    """`uses` are the special uses asked for (RFC 6154 section 3), as written."""

    mailbox: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rename:
    source: str
    target: str


def parse_mailbox(cursor: Cursor) -> str:
    """The argument of commands on one mailbox."""
    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.end()
    return mailbox


def parse_create(cursor: Cursor) -> Create:
    cursor.sp()
    mailbox = cursor.mailbox()
    uses: tuple[str, ...] = ()
    if cursor.take(b" ("):
        cursor.expect(b"USE")
        cursor.sp()
        uses = tuple(cursor.maybe_empty(lambda: _use(cursor), limit=10))
        cursor.expect(b")")
    cursor.end()
    return Create(mailbox, uses)


def parse_rename(cursor: Cursor) -> Rename:
    cursor.sp()
    source = cursor.mailbox()
    cursor.sp()
    target = cursor.mailbox()
    cursor.end()
    return Rename(source, target)


def parse_id(cursor: Cursor) -> dict[str, str]:
    """What the client says of itself (RFC 2971 section 3.1); fields that are NIL are left out."""
    cursor.sp()
    if cursor.take(b"NIL"):
        cursor.end()
        return {}
    pairs = cursor.maybe_empty(lambda: _field(cursor), limit=_MAX_ID_FIELDS)
    cursor.end()
    return {name: text for name, text in pairs if text is not None}


def _use(cursor: Cursor) -> str:
    cursor.expect(b"\\")
    return "\\" + cursor.atom().decode("ascii")


def _field(cursor: Cursor) -> tuple[str, str | None]:
    name = cursor.string().decode(errors="replace")
    cursor.sp()
    text = cursor.nstring()
    return name.lower(), None if text is None else text.decode(errors="replace")
