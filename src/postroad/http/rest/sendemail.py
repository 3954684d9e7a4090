"""The body of POST /emails: what it may say, and the message it becomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from postroad.base.errors import Invalid
from postroad.base.identifiers import new_trace_id, new_uuid
from postroad.base.moments import Moment, from_datetime, to_datetime
from postroad.core.sending.service import Draft as NewMessage
from postroad.formats.compose.mailboxes import Mailbox, parse_mailbox
from postroad.formats.compose.message import Draft, compose
from postroad.http.contract.problems import unprocessable
from postroad.http.rest.attachments import AttachmentIn, Fetched, read_attachments, size_of
from postroad.model.directory import DkimKey
from postroad.model.ids import SubmissionId, TraceId
from postroad.model.queue import Source

_MAX_MAILBOXES = 50
_MAX_TAGS = 75
_MAX_AHEAD = timedelta(days=30)
_TAG_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_MAX_TAG = 256


class Tag(msgspec.Struct):
    """A word of the program's own that is shown again with the email."""

    name: str
    value: str


class SendEmail(msgspec.Struct, kw_only=True):
    """An email that a program wants to send."""

    from_: str = msgspec.field(name="from")
    to: str | list[str]
    subject: str
    cc: str | list[str] | None = None
    bcc: str | list[str] | None = None
    reply_to: str | list[str] | None = None
    html: str | None = None
    text: str | None = None
    headers: dict[str, str] | None = None
    attachments: list[AttachmentIn] | None = None
    tags: list[Tag] | None = None
    scheduled_at: str | None = None
    template: dict[str, Any] | None = None  # Any: JSON, and it is refused
    topic_id: str | None = None


class ShownEmail(msgspec.Struct, kw_only=True):
    """What is kept of a request, to be shown again by GET /emails."""

    from_: str = msgspec.field(name="from")
    to: list[str]
    subject: str
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    html: str | None
    text: str | None
    tags: list[Tag]
    message_id: str
    scheduled_at: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that was understood; `build` makes the message, which costs CPU."""

    author: Mailbox
    octets: int
    """About how large it is."""
    build: Callable[[], NewMessage]


def plan(
    wanted: SendEmail, now: Moment, fetched: Fetched, keys: tuple[DkimKey, ...] | None = None
) -> Plan:
    """Check all of a request but its attachments, whose remote files were `fetched`.

    `keys` are those that sign for the author's domain.

    Raises `Invalid` and `RequestError`.
    """
    _demand_available(wanted)
    author = parse_mailbox(wanted.from_, "from")
    to = _mailboxes(wanted.to, "to")
    if not to:
        raise unprocessable("missing_required_field", "Missing `to` field.")
    cc, bcc = _mailboxes(wanted.cc, "cc"), _mailboxes(wanted.bcc, "bcc")
    reply_to = _mailboxes(wanted.reply_to, "reply_to")
    tags = _tags(wanted.tags or [])
    send_at = _send_at(wanted.scheduled_at, now)
    submission_id = new_uuid()
    attachments = wanted.attachments or []

    def build() -> NewMessage:
        draft = Draft(
            from_=author,
            to=to,
            subject=wanted.subject,
            cc=cc,
            reply_to=reply_to,
            html=wanted.html,
            text=wanted.text,
            headers=wanted.headers or {},
            attachments=read_attachments(attachments, fetched),
        )
        composed = compose(
            draft, message_id=f"<{submission_id}@{author.domain}>", date=to_datetime(now)
        )
        shown = ShownEmail(
            from_=wanted.from_,
            to=_listed(wanted.to),
            subject=wanted.subject,
            cc=_listed(wanted.cc),
            bcc=_listed(wanted.bcc),
            reply_to=_listed(wanted.reply_to),
            html=wanted.html,
            text=wanted.text,
            tags=tags,
            message_id=composed.message_id,
            scheduled_at=wanted.scheduled_at,
        )
        return NewMessage(
            octets=b"".join([composed.header, b"\r\n", *composed.body]),
            author=author.addr_spec,
            reverse_path=author.addr_spec,
            forward_paths=_forward_paths([*to, *cc, *bcc]),
            source=Source.API,
            trace_id=TraceId(new_trace_id()),
            submission_id=SubmissionId(submission_id),
            send_at=send_at,
            api=msgspec.json.encode(shown),
            keys=keys,
        )

    size = len(wanted.html or "") + len(wanted.text or "") + size_of(attachments)
    size += sum(len(file.octets) for file in fetched.values())
    return Plan(author, size, build)


def _demand_available(wanted: SendEmail) -> None:
    if wanted.template is not None:
        raise unprocessable("validation_error", "`template` is not available on this server.")
    if wanted.topic_id is not None:
        raise unprocessable("validation_error", "`topic_id` is not available on this server.")
    if wanted.html is None and wanted.text is None:
        raise unprocessable("missing_required_field", "Missing `html` or `text` field.")


def _listed(given: str | list[str] | None) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else given


def _mailboxes(given: str | list[str] | None, field: str) -> list[Mailbox]:
    texts = _listed(given)
    if len(texts) > _MAX_MAILBOXES:
        raise Invalid(f"The `{field}` field must have at most {_MAX_MAILBOXES} addresses.")
    return [parse_mailbox(text, field) for text in texts]


def _forward_paths(mailboxes: Sequence[Mailbox]) -> tuple[str, ...]:
    """Each address once, in its order."""
    return tuple(dict.fromkeys(mailbox.addr_spec for mailbox in mailboxes))


def _tags(tags: list[Tag]) -> list[Tag]:
    if len(tags) > _MAX_TAGS:
        raise Invalid(f"The `tags` field must have at most {_MAX_TAGS} items.")
    for tag in tags:
        for word in (tag.name, tag.value):
            if not 0 < len(word) <= _MAX_TAG or not _TAG_LETTERS.issuperset(word):
                raise Invalid(
                    "`tags` should only contain ASCII letters, numbers, underscores, or dashes, "
                    f"1 to {_MAX_TAG} of them."
                )
    return tags


def _send_at(text: str | None, now: Moment) -> Moment | None:
    if text is None:
        return None
    try:
        wanted = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(
            "`scheduled_at` must be a date and time in ISO 8601, like `2026-08-05T11:52:01.858Z`; "
            "natural language is not available on this server."
        ) from None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=UTC)
    if wanted > to_datetime(now) + _MAX_AHEAD:
        raise Invalid("`scheduled_at` must be at most 30 days from now.")
    return Moment(max(now, from_datetime(wanted)))
