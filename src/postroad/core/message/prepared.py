"""Parse a message once, at arrival, into what its row keeps."""

import xxhash

from postroad.base.moments import Moment
from postroad.formats.mime.prepare import PREPARED_VERSION, Measured, Prepared, measure, prepare
from postroad.model.ids import BlobId
from postroad.model.mailbox import NewEmail, PreparedEmail
from postroad.ports.spool import Octets
from postroad.ports.tasks import Tasks

_INLINE_OCTETS = 262_144  # larger ones are parsed in a thread
_MAX_THREAD_KEYS = 24


async def parse(octets: Octets, tasks: Tasks) -> Prepared:
    if len(octets) <= _INLINE_OCTETS:
        return prepare(octets)
    return await tasks.offload(lambda: prepare(octets))


async def look_at(octets: Octets, tasks: Tasks) -> Measured:
    """As much of `parse` as a message on its way out needs."""
    if len(octets) <= _INLINE_OCTETS:
        return measure(octets)
    return await tasks.offload(lambda: measure(octets))


def new_email(
    parsed: Prepared, blob_id: BlobId, internal_date: Moment, delivery_id: str | None
) -> NewEmail:
    return NewEmail(
        blob_id=blob_id,
        size=parsed.size,
        internal_date=internal_date,
        prepared=PreparedEmail(
            version=PREPARED_VERSION,
            envelope=parsed.envelope,
            envelope_utf8=parsed.envelope_utf8,
            body=parsed.body,
            body_structure=parsed.body_structure,
            body_structure_utf8=parsed.body_structure_utf8,
            part_table=parsed.part_table,
            preview=parsed.preview,
            sent_at=None if parsed.sent_at is None else Moment(parsed.sent_at),
            sent_on=None if parsed.sent_on is None else parsed.sent_on.toordinal(),
            subject_base=parsed.subject_base,
            sort_from=parsed.sort_from,
            sort_to=parsed.sort_to,
            sort_cc=parsed.sort_cc,
            thread_keys=thread_keys(parsed),
            header_fields=parsed.header_fields,
            origin=parsed.origin,
        ),
        delivery_id=delivery_id,
    )


def told_message_id(message_id: str | None) -> str | None:
    """As the story has it: in its brackets, by which `postroad trace` knows what it is."""
    return f"<{message_id}>" if message_id else None


def thread_keys(parsed: Prepared) -> tuple[int, ...]:
    """Hashes of each message id with the base subject (RFC 8621 section 3).

    Messages share a thread when they share a message id and the base subject; the newest
    references count where there are many.
    """
    ids = [parsed.message_id, *reversed(parsed.references)]
    subject = parsed.subject_base.encode()
    keys: dict[int, None] = {}
    for message_id in ids:
        if message_id:
            digest = xxhash.xxh3_64_intdigest(message_id.encode() + b"\0" + subject)
            keys[digest - 2**63] = None
    return tuple(keys)[:_MAX_THREAD_KEYS]
