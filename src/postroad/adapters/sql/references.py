"""May a blob get a reference? (DESIGN.md section 4, docs/decisions/0002)"""

import time

from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.base.errors import TryLater
from postroad.base.identifiers import minted_at_milliseconds
from postroad.model.ids import AccountId, BlobId

RESERVED_MILLISECONDS = 24 * 3600 * 1000

_HELD = Sql("SELECT 1 FROM blob_ref WHERE owner_id = :owner AND blob_id = :blob")


def check_referable(owner: AccountId, blob: BlobId) -> Steps[None]:
    """A fresh blob is reserved for whoever holds its id; an old one needs a living reference.

    So "no reference" is final for an old blob, and its collection cannot race with this.
    Raises `TryLater`: the blob must be put again.
    """
    age = time.time_ns() // 1_000_000 - minted_at_milliseconds(blob)
    if age < RESERVED_MILLISECONDS:
        return
    if not (yield Run(_HELD, {"owner": owner, "blob": blob})):
        raise TryLater("the stored message has lapsed; send it again")
