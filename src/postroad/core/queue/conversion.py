"""Making a queued message fit a server that lacks an extension, and signing it anew."""

from collections.abc import AsyncIterator, Iterator

from postroad.base.moments import Moment
from postroad.core.message.outgoing import return_path_octets
from postroad.core.sending.signing import Signer
from postroad.formats.convert.convert import CannotConvert, convert
from postroad.formats.mailaddress import normalise_address, split_address
from postroad.formats.mime.address import mailboxes, parse_address_list
from postroad.formats.mime.headers import fields, to_text, unfold
from postroad.model.mailbox import BlobRange
from postroad.model.queue import Needs, Source, Submission
from postroad.ports.spool import Octets, Spool, Spools
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore

_CHUNK = 262_144


class Conversion:
    """A converted message; `close` gives its room back."""

    def __init__(self, spool: Spool, signatures: bytes, octets: Octets, needs: Needs) -> None:
        self._spool = spool
        self._signatures = signatures
        self._octets = octets
        self.needs = needs
        self.size = len(signatures) + len(octets)

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._signatures:
            yield self._signatures
        for start in range(0, len(self._octets), _CHUNK):
            yield self._octets[start : start + _CHUNK]

    def close(self) -> None:
        self._spool.close()


class Converter:
    def __init__(self, blobs: BlobStore, signer: Signer, spools: Spools, tasks: Tasks) -> None:
        self._blobs = blobs
        self._signer = signer
        self._spools = spools
        self._tasks = tasks

    async def convert(
        self, submission: Submission, lacks: Needs, now: Moment
    ) -> Conversion | CannotConvert:
        """Convert for what a peer lacks; our own signatures are replaced by new ones.

        Signatures of others are left as they are: they break, which tells the truth.
        """
        if lacks.utf8:
            return CannotConvert("the addresses or the header need SMTPUTF8")
        source = self._spools.open()
        try:
            async for chunk in self._blobs.stream(
                BlobRange(submission.blob_id, 0, submission.size)
            ):
                await source.write(chunk)
            octets = await source.octets()
            start = _content_start(octets, own=submission.source is not Source.FORWARD)
            plain: Octets = octets[start:] if start else octets
            converted = await self._tasks.offload(lambda: convert(plain, lacks))
            if isinstance(converted, CannotConvert):
                return converted
            return await self._stored(converted.chunks(), submission, now)
        finally:
            source.close()

    async def _stored(
        self, chunks: Iterator[bytes], submission: Submission, now: Moment
    ) -> Conversion:
        target = self._spools.open()
        try:
            for chunk in chunks:
                await target.write(chunk)
            octets = await target.octets()
            signatures = b""
            if submission.source is not Source.FORWARD:
                signatures = await self._signer.signatures(_author_domain(octets), octets, now)
        except BaseException:
            target.close()
            raise
        return Conversion(target, signatures, octets, Needs())


def _content_start(octets: Octets, *, own: bool) -> int:
    """Where the message begins behind our Return-Path and, if it is ours, our signatures."""
    start = return_path_octets(octets[:8192])
    if not own:
        return start
    for field in fields(octets, start):
        if field.name.lower() != "dkim-signature" or field.start != start:
            break
        start = field.end
    return start


def _author_domain(octets: Octets) -> str:
    for field in fields(octets):
        if field.name.lower() == "from":
            for one in mailboxes(parse_address_list(to_text(unfold(field.raw(octets))))):
                return split_address(normalise_address(f"{one.local_part}@{one.domain}"))[1]
    return ""
