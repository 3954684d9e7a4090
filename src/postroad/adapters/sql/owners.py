"""The counters of an owner: taken first in every transaction that changes its mail."""

from collections.abc import Sequence

from postroad.adapters.sql.statement import Params, Run, RunMany, Sql, Steps, integer, one
from postroad.base.errors import NotFound, OverQuota
from postroad.model.ids import AccountId, BlobId, ModSeq

_TAKE = Sql("""
    UPDATE owner SET mod_seq = mod_seq + 1, next_id = next_id + :ids,
        used_octets = used_octets + :octets
    WHERE owner_id = :owner
        AND (quota_octets IS NULL OR :octets <= 0 OR used_octets + :octets <= quota_octets)
        AND (quota_messages IS NULL OR :messages <= 0 OR :messages + (
            SELECT CAST(coalesce(sum(m.messages), 0) AS BIGINT) FROM mailbox m
            WHERE m.owner_id = :owner
        ) <= quota_messages)
    RETURNING mod_seq, next_id - :ids
""")
_LOCK = Sql("SELECT mod_seq FROM owner WHERE owner_id = :owner {for update}")
_REFER = Sql("""
    INSERT INTO blob_ref (owner_id, blob_id, uses) VALUES (:owner, :blob, 1)
    ON CONFLICT (blob_id, owner_id) DO UPDATE SET uses = blob_ref.uses + 1
""")
_UNREFER = Sql("""
    UPDATE blob_ref SET uses = uses - 1 WHERE owner_id = :owner AND blob_id = :blob
    RETURNING uses
""")
_DROP = Sql("DELETE FROM blob_ref WHERE owner_id = :owner AND blob_id = :blob")
_GARBAGE = Sql("INSERT INTO blob_garbage (blob_id) VALUES (:blob) ON CONFLICT DO NOTHING")


def take(
    owner: AccountId, *, ids: int = 0, octets: int = 0, messages: int = 0
) -> Steps[tuple[ModSeq, int]]:
    """The operation's mod_seq and the first of `ids` new identifiers; adjusts the quota.

    Of `messages` that many are about to come; the row is held already where there are some.
    Raises `NotFound`, `OverQuota`.
    """
    params: Params = {"owner": owner, "ids": ids, "octets": octets, "messages": messages}
    row = one((yield Run(_TAKE, params)))
    if row is None:
        yield from lock(owner)
        raise OverQuota("the account has no room left")
    return ModSeq(integer(row[0])), integer(row[1])


def lock(owner: AccountId) -> Steps[None]:
    """Hold the owner's row before reading what is then changed. Raises `NotFound`."""
    if not (yield from exists(owner)):
        raise NotFound("there is no such account")


def exists(owner: AccountId) -> Steps[bool]:
    """Hold the owner's row if there is one."""
    return bool((yield Run(_LOCK, {"owner": owner})))


def refer(owner: AccountId, blobs: Sequence[BlobId]) -> Steps[None]:
    """Count one more use of each blob."""
    yield RunMany(_REFER, [{"owner": owner, "blob": blob} for blob in blobs])


def unrefer(owner: AccountId, blob: BlobId) -> Steps[None]:
    """Count one use less; the last one makes the blob a candidate for collection."""
    params: Params = {"owner": owner, "blob": blob}
    row = one((yield Run(_UNREFER, params)))
    if row is not None and integer(row[0]) <= 0:
        yield Run(_DROP, params)
        yield Run(_GARBAGE, {"blob": blob})
