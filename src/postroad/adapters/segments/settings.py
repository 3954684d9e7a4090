"""What an operator may set about segment files."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    segment_octets: int = 256 * 1024**2
    """A segment file is left for a new one when it has grown to this."""
    waiting_octets: int = 256 * 1024**2
    """Octets that may wait for the disk at a time; more are told to try later."""
    min_free_octets: int = 512 * 1024**2
    """Nothing more is stored while the disk has less room than this."""
    readers: int = 2
    """Threads that read."""
    open_files: int = 64
    """Segment files kept open for reading."""
