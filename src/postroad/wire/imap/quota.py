"""GETQUOTA, GETQUOTAROOT and SETQUOTA, and what answers them (RFC 9208 section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.responses import astring

_MAX_RESOURCES = 50


@dataclass(frozen=True, slots=True)
class SetQuota:
    """The limits that are to be the only ones, by name of the resource in upper case."""

    root: bytes
    limits: Mapping[bytes, int]


def parse_quota_root_name(cursor: Cursor) -> bytes:
    """The argument of GETQUOTA; that of GETQUOTAROOT is a mailbox."""
    cursor.sp()
    name = cursor.astring()
    cursor.end()
    return name


def parse_set_quota(cursor: Cursor) -> SetQuota:
    """RFC 9208 section 4.1.3."""
    cursor.sp()
    root = cursor.astring()
    cursor.sp()
    limits: dict[bytes, int] = {}
    cursor.maybe_empty(lambda: _limit(cursor, limits), limit=_MAX_RESOURCES)
    cursor.end()
    return SetQuota(root, limits)


def _limit(cursor: Cursor, limits: dict[bytes, int]) -> None:
    name = cursor.word()
    if name in limits:
        raise cursor.wrong("each resource once")
    cursor.sp()
    limits[name] = cursor.number64()


@dataclass(frozen=True, slots=True)
class Quota:
    """QUOTA (RFC 9208 section 4.2.1): of each resource its usage and its limit."""

    root: bytes
    resources: Mapping[bytes, tuple[int, int]]

    def encode(self) -> bytes:
        told = b" ".join([b"%b %d %d" % (name, *pair) for name, pair in self.resources.items()])
        return b"* QUOTA %b (%b)\r\n" % (astring(self.root), told)


@dataclass(frozen=True, slots=True)
class QuotaRoots:
    """QUOTAROOT (RFC 9208 section 4.2.2)."""

    mailbox: str
    roots: Sequence[bytes]
    utf8: bool

    def encode(self) -> bytes:
        words = [mailbox_name(self.mailbox, utf8=self.utf8), *map(astring, self.roots)]
        return b"* QUOTAROOT %b\r\n" % b" ".join(words)
