"""Blobs in a bucket of a store that speaks S3 (DESIGN.md section 4, Blobs)."""

from postroad.adapters.s3.settings import S3Settings
from postroad.adapters.s3.store import S3BlobStore

__all__ = ["S3BlobStore", "S3Settings"]
