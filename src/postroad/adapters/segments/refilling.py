"""Segments made anew from blobs that have their ids already, as from a backup."""

from collections.abc import Sequence
from pathlib import Path

from postroad.adapters.segments.appender import Appender, begin
from postroad.adapters.segments.files import Files
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.settings import SegmentSettings
from postroad.model.ids import BlobId


class Refill:
    """Into a folder that nobody serves; who opens it afterwards makes the index.

    `put` waits for the disk, so it is for a thread.
    """

    def __init__(self, path: Path, settings: SegmentSettings | None = None) -> None:
        self._settings = settings or SegmentSettings()
        self._folder = SegmentFolder(path, Files(), self._settings.open_files)
        self._appender: Appender | None = None
        Files().make_folder(path)

    def put(self, blobs: Sequence[tuple[BlobId, bytes | memoryview]]) -> None:
        """Durable when it returns. Raises `LowSpace`, `TryLater`."""
        if self._appender is None or self._appender.size >= self._settings.segment_octets:
            self.close()
            self._appender = begin(self._folder)
        self._appender.append([(blob_id, [octets]) for blob_id, octets in blobs])

    def close(self) -> None:
        if self._appender is not None:
            self._appender.close()
            self._appender = None
