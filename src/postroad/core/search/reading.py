"""Reading messages in batches, past those that cannot be read."""

import logging
from collections.abc import Sequence

from postroad.base.errors import NotFound, TryLater
from postroad.core.search.plan import Message, Plan
from postroad.stores.blobs import BlobStore

log = logging.getLogger(__name__)


async def read(blobs: BlobStore, plans: Sequence[Plan]) -> list[Message]:
    """The messages of a batch, in one hop; what is missing or damaged is left out and logged."""
    try:
        return await _read(blobs, plans)
    except (NotFound, TryLater) as error:
        if len(plans) == 1:
            log.warning(
                "message cannot be searched",
                extra={"blob": plans[0].blob_id.hex(), "error": str(error)},
            )
            return []
    return [message for plan in plans for message in await read(blobs, [plan])]


async def _read(blobs: BlobStore, plans: Sequence[Plan]) -> list[Message]:
    octets = iter(await blobs.read([wanted for plan in plans for wanted in plan.ranges()]))
    return [Message(plan, [next(octets) for _ in plan.pieces]) for plan in plans]
