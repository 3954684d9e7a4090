"""GETQUOTA and GETQUOTAROOT, and what answers them (RFC 9208 section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.responses import astring


def parse_quota_root_name(cursor: Cursor) -> bytes:
    """The argument of GETQUOTA; that of GETQUOTAROOT is a mailbox."""
    cursor.sp()
    name = cursor.astring()
    cursor.end()
    return name


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
