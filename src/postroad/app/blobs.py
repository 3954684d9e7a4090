"""The store of blobs that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from postroad.adapters.segments.settings import SegmentSettings
from postroad.adapters.segments.store import SegmentBlobStore
from postroad.base.errors import Invalid
from postroad.base.secret import Secret
from postroad.config.buckets import BucketAddress, parse_bucket
from postroad.config.settings import Settings
from postroad.stores.blobs import BlobStore

if TYPE_CHECKING:
    from postroad.adapters.s3 import S3Settings

_FOLDER = "segments:"
_BUCKET = "s3:"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_bucket(settings: Settings) -> bool:
    return settings.storage.blobs.startswith(_BUCKET)


def blobs_path(settings: Settings) -> Path:
    """The folder of segments. Raises `Invalid` where blobs are kept otherwise."""
    url = settings.storage.blobs
    if not url.startswith(_FOLDER):
        raise Invalid(f"storage.blobs is no folder on this machine: write {_FOLDER}PATH")
    return settings.below_data(url.removeprefix(_FOLDER))


@asynccontextmanager
async def open_blobs(settings: Settings) -> AsyncIterator[BlobStore]:
    """Raises `Invalid` for what cannot be used.

    A bucket is not asked for here: a server whose bucket does not answer still shows lists of
    messages, and tells who brings one to come again.
    """
    if is_bucket(settings):
        from postroad.adapters.s3 import S3BlobStore  # large: only where it is of use

        bucket = S3BlobStore(bucket_settings(settings))
        try:
            yield bucket
        finally:
            await bucket.close()
        return
    free = settings.limits.free_disk_octets
    folder = await SegmentBlobStore.open(
        blobs_path(settings), SegmentSettings(min_free_octets=free)
    )
    try:
        yield folder
    finally:
        await folder.close()


async def bucket_fault(blobs: BlobStore) -> str | None:
    """What is wrong with the bucket, if that is what it is, as a trial shows it."""
    from postroad.adapters.s3 import S3BlobStore

    return await blobs.check() if isinstance(blobs, S3BlobStore) else None


def sends_in_the_clear(settings: Settings) -> bool:
    """Whether messages cross a network without TLS on their way to the bucket."""
    endpoint = urlsplit(_address(settings).endpoint)
    return endpoint.scheme == "http" and endpoint.hostname not in _LOOPBACK


def _address(settings: Settings) -> BucketAddress:
    try:
        return parse_bucket(settings.storage.blobs)
    except ValueError as error:
        raise Invalid(f"storage.blobs {error}") from None


def bucket_settings(settings: Settings) -> "S3Settings":
    """Raises `Invalid`."""
    from postroad.adapters.s3.settings import S3Settings

    address = _address(settings)
    given = settings.storage.s3
    return S3Settings(
        bucket=address.bucket,
        prefix=address.prefix,
        endpoint=address.endpoint,
        region=address.region,
        is_virtual_hosted=address.is_virtual_hosted,
        access_key_id=given.access_key_id,
        secret_access_key=Secret(given.secret_access_key),
        timeout=given.timeout,
        cache=settings.below_data(given.cache) if given.cache_octets else None,
        cache_octets=given.cache_octets,
        disk=settings.data_dir,
        min_free_octets=settings.limits.free_disk_octets,
    )
