"""DEFLATE on a connection (RFC 4978), bounded whatever the client sends."""

import zlib
from collections.abc import Iterator

# Limit: 64 KiB for each connection instead of zlib's 256, for a few per cent of the ratio.
_WINDOW_BITS = 13
_MEMORY_LEVEL = 6
_LEVEL = 3
_PIECE = 65_536
_FLUSH_MARK = b"\0\0\xff\xff"  # ends what a client flushed, and with that a command


class Garbled(Exception):
    """What came is no DEFLATE stream."""


class Compression:
    """Both directions of one connection, from COMPRESS on."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_BITS, _MEMORY_LEVEL)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._has_unflushed = False
        self._octets = b""
        self._end = 0  # of what of `_octets` was looked at
        self._before = b""  # the last octets before `_octets`: perhaps half a flush mark

    def inflated(self, octets: bytes) -> Iterator[bytes]:
        """What `octets` say, in pieces of at most 64 KiB, each made when it is asked for.

        A piece never goes beyond a flush of the client, so that `end` can stop behind any
        command. Raises `Garbled`.
        """
        before = self._before = (self._before + self._octets)[-3:]
        self._octets, self._end = octets, 0
        searched = before + octets
        while (start := self._end) < len(octets):
            # A mark may have begun in the octets before, but never inside of another mark.
            found = searched.find(_FLUSH_MARK, max(0, start + len(before) - 3))
            end = found + len(_FLUSH_MARK) - len(before) if found >= 0 else len(octets)
            self._end = end
            yield from self._bounded(octets[start:end])

    def stop(self) -> bytes:
        """The last command was read; returns what came behind it, for `end`."""
        self._before = (self._before + self._octets[: self._end])[-4:]
        return self._inflate.unused_data + self._octets[self._end :]

    def end(self, octets: bytes) -> bytes | None:
        """Leave out what still belongs to the stream, which is a flush or an end of it.

        Returns the octets behind it, or None while they are to come. Raises `Garbled` for a
        client that goes on in the stream.
        """
        for at in range(len(octets) + 1):
            if self._inflate.eof or self._before == _FLUSH_MARK:
                return octets[at:]
            octet = octets[at : at + 1]
            self._before = (self._before + octet)[-4:]
            if any(self._bounded(self._inflate.unconsumed_tail + octet)):
                raise Garbled
        return None

    def _bounded(self, octets: bytes) -> Iterator[bytes]:
        piece = bytes(_PIECE)
        while octets or len(piece) == _PIECE:
            if self._inflate.eof:
                raise Garbled
            try:
                piece = self._inflate.decompress(octets, _PIECE)
            except zlib.error as error:
                raise Garbled from error
            octets = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                yield piece

    def deflated(self, octets: bytes) -> Iterator[bytes]:
        """What to send for `octets`; some of it may stay behind until `flush`."""
        self._has_unflushed = True
        for start in range(0, len(octets), _PIECE):
            if sent := self._deflate.compress(octets[start : start + _PIECE]):
                yield sent

    def flush(self) -> bytes:
        """The rest of all that was deflated, so that the client can read it now; b"" for none."""
        if not self._has_unflushed:
            return b""
        self._has_unflushed = False
        return self._deflate.flush(zlib.Z_SYNC_FLUSH)
