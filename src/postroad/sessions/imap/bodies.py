"""Octets of messages for FETCH: sections are ranges of the blob, found with the part table.

Small ranges of several messages are read in one hop; a large one is passed on in chunks.
"""

import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, repeat

from postroad.core.mailbox.service import MailboxService
from postroad.formats.mime import parttable, transfer
from postroad.formats.mime.headers import select_fields
from postroad.formats.mime.listfields import are_kept
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.sessions.imap.decoding import decoder
from postroad.stores.blobs import Whole
from postroad.wire.imap.fetch import Form, Section, What
from postroad.wire.imap.responses import Octets, Told, begun

LARGE = 1024 * 1024
_AT_ONCE = 2 * LARGE  # octets read in one hop
_SEND = 256 * 1024

_SECTIONS = {
    What.WHOLE: parttable.Section.WHOLE,
    What.HEADER: parttable.Section.HEADER,
    What.FIELDS: parttable.Section.HEADER,
    What.FIELDS_NOT: parttable.Section.HEADER,
    What.TEXT: parttable.Section.TEXT,
    What.MIME: parttable.Section.MIME,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One section of one message; `octets` is None where there is no such part."""

    section: Section
    octets: BlobRange | None
    encoding: str = ""  # to be decoded: BINARY

    @property
    def size(self) -> int:
        return 0 if self.octets is None else self.octets.end - self.octets.start

    @property
    def is_raw(self) -> bool:
        """Whether the range itself is the answer."""
        section = self.section
        return section.what not in (What.FIELDS, What.FIELDS_NOT) and (
            section.form is Form.BODY
            or (section.form is Form.BINARY and self.encoding in transfer.IDENTITY)
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One FETCH response: its beginning with the other items, and the sections wanted."""

    head: bytes
    wanted: Sequence[Wanted]

    @property
    def size(self) -> int:
        return sum(wanted.size for wanted in self.wanted if wanted.size <= LARGE)


def locate(blob_id: BlobId, table: bytes, sections: Sequence[Section]) -> list[Wanted]:
    """Where the sections are. Raises `transfer.UnknownEncoding` for what BINARY cannot decode."""
    root = parttable.decode(table)
    return [_locate(blob_id, root, section) for section in sections]


def is_whole(section: Section) -> bool:
    """Whether it is ``BODY[]`` or means it: for that the size is enough."""
    return section.form is Form.BODY and section.what is What.WHOLE and not section.path


def locate_whole(blob_id: BlobId, size: int, sections: Sequence[Section]) -> list[Wanted]:
    """As `locate`, for sections that are all whole."""
    return [_clipped(section, BlobRange(blob_id, 0, size)) for section in sections]


def _locate(blob_id: BlobId, root: parttable.PartRow, section: Section) -> Wanted:
    found = parttable.resolve(root, section.path, _SECTIONS[section.what])
    if found is None:
        return Wanted(section, None)
    encoding = ""
    if section.form is not Form.BODY and section.path:
        part = parttable.find(root, section.path)
        encoding = part.encoding.strip().lower() if part is not None else ""
        if encoding not in transfer.KNOWN:
            raise transfer.UnknownEncoding(encoding)
    return _clipped(section, BlobRange(blob_id, *found), encoding)


def _clipped(section: Section, octets: BlobRange, encoding: str = "") -> Wanted:
    """The part of the range that is asked for, where the range itself is the answer."""
    wanted = Wanted(section, octets, encoding)
    if section.partial is None or not wanted.is_raw:
        return wanted
    start = min(octets.start + section.partial.first, octets.end)
    end = min(start + section.partial.count, octets.end)
    return Wanted(section, BlobRange(octets.blob_id, start, end), encoding)


async def respond(
    mailboxes: MailboxService, messages: Sequence[Message]
) -> AsyncGenerator[Octets, None]:
    """The responses of the messages, in order, in pieces of moderate size."""
    group: list[Message] = []
    octets = 0
    for message in messages:
        group.append(message)
        octets += message.size
        if octets >= _AT_ONCE:
            async with aclosing(_group(mailboxes, group)) as pieces:
                async for piece in pieces:
                    yield piece
            group, octets = [], 0
    async with aclosing(_group(mailboxes, group)) as pieces:
        async for piece in pieces:
            yield piece


async def _group(
    mailboxes: MailboxService, messages: Sequence[Message]
) -> AsyncGenerator[Octets, None]:
    """Read what is small at once; pass on what is large between."""
    small = [
        wanted.octets
        for message in messages
        for wanted in message.wanted
        if wanted.octets is not None and 0 < wanted.size <= LARGE
    ]
    read = iter(await mailboxes.read(small) if small else ())
    out = bytearray()
    for message in messages:
        out += message.head
        for place, wanted in enumerate(message.wanted):
            if place or not message.head.endswith(b"("):
                out += b" "
            if wanted.size <= LARGE:
                out += _small(wanted, next(read) if wanted.size else b"")
                continue
            async with aclosing(_large(mailboxes, wanted)) as chunks:
                async for chunk in chunks:
                    yield Octets(bytes(out) + chunk)
                    out.clear()
        out += b")\r\n"
        if len(out) >= _SEND:
            yield Octets(bytes(out))
            out.clear()
    if out:
        yield Octets(bytes(out))


def alone(sections: Sequence[Section]) -> Section | None:
    """The section, if all that is asked for is one whole message."""
    section = sections[0]
    is_alone = len(sections) == 1 and is_whole(section) and section.partial is None
    return section if is_alone else None


def listed(sections: Sequence[Section]) -> Section | None:
    """The section, if all that is asked for is header fields that rows keep."""
    section = sections[0]
    is_listed = (
        len(sections) == 1
        and section.what is What.FIELDS
        and not section.path
        and section.partial is None
        and are_kept(section.fields)
    )
    return section if is_listed else None


def of_kept(section: Section, kept: Sequence[bytes]) -> Told:
    """Header fields of messages, from those that their rows keep."""
    names = _names(section.fields)
    found = [select_fields(octets, names) for octets in kept]
    label = section.label.replace(b"%", b"%%")
    return Told(label + b" %b", [b"{%d}\r\n%b" % (len(fields), fields) for fields in found])


def portions(sizes: Sequence[int]) -> Iterator[slice]:
    """Messages to be read and sent at once; a large one comes alone."""
    begin, octets = 0, 0
    for n, size in enumerate(sizes):
        if n > begin and octets + size > LARGE:
            yield slice(begin, n)
            begin, octets = n, 0
        octets += size
    yield slice(begin, len(sizes))


def together(
    numbers: Sequence[int],
    told: Sequence[Told],
    section: Section,
    messages: Sequence[Whole],
    *,
    by_uid: bool,
) -> Octets:
    """The responses of small messages that are wanted whole; no octet is copied twice."""
    lengths = Told(section.label + b" {%d}\r\n", list(map(len, messages)))
    heads = begun(numbers, [*told, lengths], by_uid=by_uid)
    pieces = zip(heads, messages, repeat(b")\r\n"), strict=False)  # the last has no end
    return Octets(b"".join(chain.from_iterable(pieces)))


def _label(section: Section) -> bytes:
    if section.partial is None or not section.tells_origin:
        return section.label
    return b"%b<%d>" % (section.label, section.partial.first)


def _small(wanted: Wanted, octets: bytes) -> bytes:
    section = wanted.section
    label = _label(section)
    if wanted.octets is None:
        return label + (b" 0" if section.form is Form.BINARY_SIZE else b" NIL")
    if not wanted.is_raw:
        octets = _transformed(wanted, octets)
    if section.form is Form.BINARY_SIZE:
        return b"%b %d" % (label, len(octets))
    if section.partial is not None and not wanted.is_raw:
        octets = octets[section.partial.first :][: section.partial.count]
    mark = b"~" if section.form is Form.BINARY and b"\0" in octets else b""
    return b"%b %b{%d}\r\n%b" % (label, mark, len(octets), octets)


def _transformed(wanted: Wanted, octets: bytes) -> bytes:
    section = wanted.section
    if section.what in (What.FIELDS, What.FIELDS_NOT):
        negate = section.what is What.FIELDS_NOT
        return select_fields(octets, _names(section.fields), negate=negate)
    return transfer.decode(octets, wanted.encoding) or b""


@lru_cache(256)
def _names(fields: tuple[bytes, ...]) -> frozenset[str]:
    return frozenset(name.decode("latin-1") for name in fields)


async def _large(mailboxes: MailboxService, wanted: Wanted) -> AsyncGenerator[bytes, None]:
    """One large section in chunks; what is decoded is decoded twice, to know its size first."""
    section, octets = wanted.section, wanted.octets
    if octets is None:
        raise RuntimeError("what is not there cannot be large")
    label = _label(section)
    if section.what in (What.FIELDS, What.FIELDS_NOT):
        # Limit: a header block is at most a megabyte or so, see formats.mime.scanner.
        yield _small(wanted, b"".join(await mailboxes.read([octets])))
        return
    if wanted.is_raw:
        mark = b"~" if section.form is Form.BINARY else b""
        yield b"%b %b{%d}\r\n" % (label, mark, wanted.size)
        async for chunk in mailboxes.stream(octets):
            yield chunk
        return
    size = 0
    async with aclosing(_decoded(mailboxes, wanted, octets)) as chunks:
        async for chunk in chunks:
            size += len(chunk)
    if section.form is Form.BINARY_SIZE:
        yield b"%b %d" % (label, size)
        return
    first, count = 0, size
    if section.partial is not None:
        first = min(section.partial.first, size)
        count = min(section.partial.count, size - first)
    yield b"%b ~{%d}\r\n" % (label, count)
    async with aclosing(_decoded(mailboxes, wanted, octets)) as chunks:
        async for chunk in _window(chunks, first, count):
            yield chunk


async def _decoded(
    mailboxes: MailboxService, wanted: Wanted, octets: BlobRange
) -> AsyncGenerator[bytes, None]:
    decode = decoder(wanted.encoding)
    async for chunk in mailboxes.stream(octets):
        yield decode.feed(chunk)
    yield decode.finish()


async def _window(
    chunks: AsyncGenerator[bytes, None], first: int, count: int
) -> AsyncGenerator[bytes, None]:
    """`count` octets from `first` on."""
    async for chunk in chunks:
        cut = chunk[first : first + count]
        first = max(0, first - len(chunk))
        count -= len(cut)
        if cut:
            yield cut
        if not count:
            return


async def content(mailboxes: MailboxService, wanted: Wanted) -> AsyncGenerator[bytes, None]:
    """The octets of a section that is there, without label and length, in chunks."""
    if wanted.octets is None:
        return
    if wanted.is_raw:
        async for chunk in mailboxes.stream(wanted.octets):
            yield chunk
        return
    partial = wanted.section.partial
    if wanted.section.what not in (What.FIELDS, What.FIELDS_NOT):
        first, count = (0, sys.maxsize) if partial is None else (partial.first, partial.count)
        async with aclosing(_decoded(mailboxes, wanted, wanted.octets)) as chunks:
            async for chunk in _window(chunks, first, count):
                yield chunk
        return
    octets = _transformed(wanted, b"".join(await mailboxes.read([wanted.octets])))
    yield octets if partial is None else octets[partial.first :][: partial.count]


async def labelled(
    mailboxes: MailboxService, wanted: Wanted, label: bytes
) -> AsyncGenerator[bytes, None]:
    """`label` and the octets of a section as one string, NIL where there is none; in chunks."""
    told = replace(wanted, section=replace(wanted.section, label=label, tells_origin=False))
    if told.octets is None or told.size <= LARGE:
        ranges = [told.octets] if told.octets is not None and told.size else []
        yield _small(told, b"".join(await mailboxes.read(ranges)) if ranges else b"")
        return
    async with aclosing(_large(mailboxes, told)) as chunks:
        async for chunk in chunks:
            yield chunk
