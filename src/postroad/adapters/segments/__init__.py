"""Blobs in append-only files (DESIGN.md section 4, Blobs)."""

from postroad.adapters.segments.settings import SegmentSettings
from postroad.adapters.segments.store import SegmentBlobStore

__all__ = ["SegmentBlobStore", "SegmentSettings"]
