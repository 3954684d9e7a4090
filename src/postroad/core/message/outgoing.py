"""The octets of a stored message as they leave."""

from collections.abc import AsyncIterator

from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobStore

_NAME = b"return-path:"
_MAX_LINE = 8192


def return_path(reverse_path: str) -> bytes:
    """The field that is put above a message, with its line end (RFC 5321 section 4.4)."""
    return f"Return-Path: <{reverse_path}>\r\n".encode()


async def without_return_path(blobs: BlobStore, wanted: BlobRange) -> AsyncIterator[bytes]:
    """The message in chunks without the Return-Path that we put above it.

    RFC 5321 section 4.4: a message that is relayed on carries none.
    """
    first = True
    async for chunk in blobs.stream(wanted):
        if first:
            first = False
            start = return_path_octets(chunk)
            if start:
                chunk = chunk[start:]
        if chunk:
            yield chunk


def return_path_octets(start: bytes) -> int:
    """How many octets at the start of a message are a Return-Path field of one line."""
    if start[: len(_NAME)].lower() != _NAME:
        return 0
    return start.find(b"\r\n", 0, _MAX_LINE) + 2 if b"\r\n" in start[:_MAX_LINE] else 0
