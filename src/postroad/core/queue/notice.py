"""Telling a sender that a message could not be delivered, or not yet (RFC 3464)."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from postroad.base.errors import MailError
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment, to_datetime
from postroad.core.message.headers import header_end
from postroad.core.message.outgoing import return_path_octets
from postroad.core.sending.signing import Signer
from postroad.formats.dsn import Action, RecipientReport, Report, build
from postroad.model.ids import SubmissionId
from postroad.model.mailbox import BlobRange
from postroad.model.queue import Claim, Needs, NewSubmission, Source
from postroad.stores.blobs import BlobStore

log = logging.getLogger(__name__)

_MAX_HEADER = 65_536
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient that the sender must hear of."""

    forward_path: str
    reply: str
    enhanced: str
    remote: str
    permanent: bool


class Notices:
    def __init__(self, blobs: BlobStore, signer: Signer, hostname: str) -> None:
        self._blobs = blobs
        self._signer = signer
        self._hostname = hostname

    async def make(
        self, claim: Claim, failures: Sequence[Failure], now: Moment, give_up_after: timedelta
    ) -> NewSubmission | None:
        """A DSN about these recipients, its octets stored; None where none may be sent.

        Never to the null reverse path, so that reports of reports cannot loop
        (RFC 5321 section 6.1).
        """
        submission = claim.submission
        if not submission.reverse_path or not failures:
            return None
        header = await self._original_header(claim)
        report = Report(
            reporting_mta=self._hostname,
            reverse_path=submission.reverse_path,
            recipients=[self._report(failure, claim, give_up_after) for failure in failures],
            arrived_at=to_datetime(submission.created_at),
            original_header=header,
            original_message_id=_message_id(header),
        )
        message_id = f"<{new_uuid()}@{self._hostname}>"
        composed = build(report, message_id=message_id, date=to_datetime(now))
        octets = b"".join([composed.header, b"\r\n", *composed.body])
        signatures = await self._signer.signatures(self._hostname, octets, now)
        blob_id = await self._blobs.put([signatures, octets])
        return NewSubmission(
            submission_id=SubmissionId(new_uuid()),
            trace_id=submission.trace_id,
            source=Source.NOTIFICATION,
            reverse_path="",
            blob_id=blob_id,
            size=len(signatures) + len(octets),
            needs=Needs(utf8=composed.needs_smtputf8),
            forward_paths=(submission.reverse_path,),
            created_at=now,
            send_at=now,
        )

    async def _original_header(self, claim: Claim) -> bytes:
        """Empty when the message cannot be read, which may be why it was given up."""
        size = min(claim.submission.size, _MAX_HEADER)
        try:
            start = (await self._blobs.read([BlobRange(claim.submission.blob_id, 0, size)]))[0]
        except MailError as error:
            log.warning("a notice goes without the header", extra={"why": str(error)})
            return b""
        return start[return_path_octets(start) : header_end(start)]

    def _report(self, failure: Failure, claim: Claim, give_up_after: timedelta) -> RecipientReport:
        first = to_datetime(claim.first_attempt_at)
        return RecipientReport(
            final_recipient=failure.forward_path,
            action=Action.FAILED if failure.permanent else Action.DELAYED,
            status=status_of(failure.enhanced, failure.reply, permanent=failure.permanent),
            diagnostic=failure.reply,
            remote_mta=failure.remote.split(" ")[0] or None,
            will_retry_until=None if failure.permanent else first + give_up_after,
        )


def status_of(enhanced: str, reply: str, *, permanent: bool) -> str:
    """The enhanced code that fits the outcome: the peer's where it gave one (RFC 3463)."""
    found = enhanced or next(iter(_STATUS.findall(reply)), "")
    wanted = "5" if permanent else "4"
    if not found:
        return f"{wanted}.0.0"
    return wanted + found[1:]


def _message_id(header: bytes) -> str | None:
    match = _MESSAGE_ID.search(header)
    return match[1].decode("utf-8", "replace") if match else None
