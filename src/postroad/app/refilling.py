"""A store of blobs filled anew, with blobs that have their ids already."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from postroad.adapters.segments.refilling import Refill
from postroad.app.blobs import blobs_path, bucket_settings, is_bucket
from postroad.base.errors import Invalid
from postroad.config.settings import Settings
from postroad.model.ids import BlobId
from postroad.stores.blobs import Whole

Put = Callable[[Sequence[tuple[BlobId, Whole]]], Awaitable[None]]
"""Durable when it returns. Raises `LowSpace`, `TryLater`."""


@asynccontextmanager
async def refilling(settings: Settings) -> AsyncIterator[Put]:
    """To be used where nobody serves; whoever opens the store afterwards finds the blobs."""
    if is_bucket(settings):
        from postroad.adapters.s3.refilling import Refill as BucketRefill

        bucket = BucketRefill(bucket_settings(settings))
        try:
            yield bucket.put
        finally:
            await asyncio.to_thread(bucket.close)
        return
    folder = Refill(blobs_path(settings))

    async def put(blobs: Sequence[tuple[BlobId, Whole]]) -> None:
        await asyncio.to_thread(folder.put, blobs)

    try:
        yield put
    finally:
        await asyncio.to_thread(folder.close)


async def require_no_blobs(settings: Settings) -> None:
    """Raises `Invalid` where some are already, and `TryLater`."""
    if is_bucket(settings):
        from postroad.adapters.s3.refilling import Refill as BucketRefill

        bucket = BucketRefill(bucket_settings(settings))
        try:
            if not await bucket.is_empty():
                raise Invalid(
                    "there are messages in the bucket already, and messages only come where none "
                    "are. Name another prefix in storage.blobs."
                )
        finally:
            await asyncio.to_thread(bucket.close)
        return
    for segment in blobs_path(settings).glob("*.seg"):
        raise Invalid(
            f"{segment} is there already, and messages only come where none are. "
            "Move it away, or name another folder in storage.blobs."
        )
