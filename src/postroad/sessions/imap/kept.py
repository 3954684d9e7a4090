"""A search whose result the client is kept informed of (RFC 5267 section 4.3)."""

from array import array
from dataclasses import dataclass

from postroad.core.mailbox.snapshot import Snapshot
from postroad.model.comparator import Comparator
from postroad.wire.imap.fetch import FetchAtt
from postroad.wire.imap.searchkeys import Key
from postroad.wire.imap.sort import Criterion


@dataclass(slots=True)
class Update:
    """`members` are the UIDs that the client was told, in the order of the result."""

    tag: bytes
    key: Key  # without message numbers
    by_uid: bool
    criteria: tuple[Criterion, ...]  # empty: in the order of the mailbox
    attributes: tuple[FetchAtt, ...]  # to be fetched of new messages that match
    members: "array[int]"
    snapshot: Snapshot  # up to which they are right
    comparator: Comparator  # of the command
    source: bytes = b""  # what responses say of the mailbox
