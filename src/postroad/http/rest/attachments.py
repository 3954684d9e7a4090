"""The ways in which the SDKs send the octets of an attachment."""

import binascii
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from postroad.base.errors import Invalid, TooLarge, TryLater
from postroad.formats.compose.message import Attachment
from postroad.http.contract.problems import unprocessable
from postroad.ports.fetcher import FetchedFile, Fetcher

Octet = Annotated[int, msgspec.Meta(ge=0, le=255)]

_SPACE = re.compile(r"\s+")
# Limit: as the Resend API documents it, for one email, decoded.
MAX_OCTETS = 40_000_000
MAX_ATTACHMENTS = 200


class NodeBuffer(msgspec.Struct, tag_field="type", tag="Buffer"):
    """What JSON.stringify makes of a Buffer in Node: `{"type": "Buffer", "data": [...]}`."""

    data: list[Octet]


class AttachmentIn(msgspec.Struct, kw_only=True):
    """An attachment as it comes in a request."""

    content: str | list[Octet] | NodeBuffer | None = None
    filename: str | None = None
    content_type: str | None = None
    content_id: str | None = None
    inline_content_id: str | None = None
    path: str | None = None


Fetched = Mapping[int, FetchedFile]
"""Files that attachments name by URL, by the places of the attachments."""


async def fetch_remote(given: list[AttachmentIn], fetcher: Fetcher | None) -> Fetched:
    """Get the files named by `path`. Raises `RequestError`, naming the one at fault."""
    fetched: dict[int, FetchedFile] = {}
    left = MAX_OCTETS
    for index, item in enumerate(given[:MAX_ATTACHMENTS]):
        if item.path is None:
            continue
        field = f"attachments[{index}].path"
        if item.content is not None:
            raise unprocessable(
                "invalid_attachment", f"`{field}` and `content` exclude each other."
            )
        if fetcher is None:
            raise unprocessable(
                "invalid_attachment", f"`{field}` is not available here: send `content`."
            )
        try:
            fetched[index] = await fetcher.fetch(item.path, left)
        except (Invalid, TooLarge, TryLater) as error:
            raise unprocessable("invalid_attachment", f"`{field}`: {error}.") from error
        left -= len(fetched[index].octets)
    return fetched


def read_attachments(given: list[AttachmentIn], fetched: Fetched) -> list[Attachment]:
    """The attachments of one email. Raises `RequestError`, naming the one at fault."""
    if len(given) > MAX_ATTACHMENTS:
        raise unprocessable(
            "invalid_attachment", f"`attachments` must have at most {MAX_ATTACHMENTS} items."
        )
    attachments = []
    left = MAX_OCTETS
    for index, item in enumerate(given):
        if (remote := fetched.get(index)) is not None:
            item = msgspec.structs.replace(
                item,
                filename=item.filename or remote.filename or "attachment",
                content_type=item.content_type or remote.media_type,
            )
        octets = remote.octets if remote else _octets(item, f"attachments[{index}]")
        left -= len(octets)
        if left < 0:
            megabytes = MAX_OCTETS // 1_000_000
            raise unprocessable(
                "invalid_attachment", f"All `attachments` together must be at most {megabytes} MB."
            )
        content_id = item.content_id or item.inline_content_id
        attachments.append(Attachment(item.filename, octets, item.content_type, content_id))
    return attachments


def size_of(given: list[AttachmentIn]) -> int:
    """About how many octets there are, without looking at them."""
    return sum(_length(item.content) for item in given)


def _length(content: str | list[Octet] | NodeBuffer | None) -> int:
    match content:
        case None:
            return 0
        case NodeBuffer():
            return len(content.data)
        case _:
            return len(content)


def _octets(item: AttachmentIn, field: str) -> bytes:
    if item.filename is None and item.content_type is None:
        raise unprocessable("invalid_attachment", f"Missing `{field}.filename` field.")
    match item.content:
        case None:
            raise unprocessable("invalid_attachment", f"Missing `{field}.content` field.")
        case str() as text:
            return _base64(text, field)
        case NodeBuffer(data):
            return bytes(data)
        case octets:
            return bytes(octets)


def _base64(text: str, field: str) -> bytes:
    try:
        octets = text.encode("ascii")
        if b"\n" in octets or b" " in octets:
            octets = _SPACE.sub("", text).encode("ascii")
        return binascii.a2b_base64(octets, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise unprocessable(
            "invalid_attachment", f"`{field}.content` is not valid base64."
        ) from None
