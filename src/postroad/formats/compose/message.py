"""From a draft to a whole message (RFC 5322, RFC 2046, RFC 2387, RFC 2183)."""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from postroad.base.errors import Invalid
from postroad.formats.compose.fields import (
    demand_clean,
    demand_name,
    encoded_words,
    fold,
    unstructured,
    with_parameters,
)
from postroad.formats.compose.mailboxes import Mailbox, address_field
from postroad.formats.compose.parts import (
    Leaf,
    Multipart,
    Part,
    encode,
    message_part,
    octets_part,
    text_part,
)
from postroad.formats.compose.plain import text_of_html

_CONTENT_TYPE = re.compile(r"([A-Za-z0-9!#$&^_.+-]{1,127})/([A-Za-z0-9!#$&^_.+-]{1,127})")
_PARAMETER = re.compile(
    r";[ \t]*([A-Za-z0-9!#$&^_.+-]+)=(?:\"([^\"\\]*)\"|([A-Za-z0-9!#$&'*+.^_`{|}~/:=?-]+))[ \t]*"
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}@[!-;=?-~]{1,240}>\Z")
_UNKNOWN_TYPE = "application/octet-stream"
# Fields that have a place of their own in the draft, and those that only servers write.
_OWN_PLACE = {
    "from": "from",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "reply-to": "reply_to",
    "subject": "subject",
}
_OURS = frozenset(
    {
        "date",
        "sender",
        "mime-version",
        "received",
        "return-path",
        "dkim-signature",
        "authentication-results",
        "received-spf",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
    }
)
_MAX_FIELDS = 100
_MAX_VALUE = 8000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along; with a `content_id` it is shown within the HTML (RFC 2392)."""

    filename: str | None
    octets: bytes = field(repr=False)
    content_type: str | None = None
    """None: told by the name of the file."""
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a program wants to send. There is no Bcc: it belongs to the envelope alone."""

    from_: Mailbox
    to: Sequence[Mailbox]
    subject: str
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    html: str | None = None
    text: str | None = None
    """None: made from the HTML; empty: the message has no plain text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class Composed:
    """A message whose header and body are apart, so that fields can be put before it."""

    header: bytes
    """All fields; the empty line is not in it."""
    body: Sequence[bytes]
    message_id: str
    needs_smtputf8: bool

    @property
    def size(self) -> int:
        """Octets of the whole message."""
        return len(self.header) + 2 + sum(map(len, self.body))


def compose(draft: Draft, *, message_id: str, date: datetime) -> Composed:
    """Build the message; every line is at most 998 octets of ASCII unless SMTPUTF8 is needed.

    `message_id` comes with its angle brackets; a Message-ID among `headers` goes before it.
    CPU and memory go with the attachments (each is copied once, as base64).
    Raises `Invalid`, naming the field.
    """
    own = _own_fields(draft.headers)
    message_id = _own_message_id(draft.headers) or message_id
    fields, body = encode(_structure(draft))
    mailboxes = [draft.from_, *draft.to, *draft.cc, *draft.reply_to]
    header = [
        f"Date: {format_datetime(date)}\r\n".encode("ascii"),
        address_field("From", [draft.from_]),
        _addresses("Reply-To", draft.reply_to),
        _addresses("To", draft.to),
        _addresses("Cc", draft.cc),
        unstructured("Subject", _subject(draft.subject)),
        fold("Message-ID", [message_id]),
        *own,
        b"MIME-Version: 1.0\r\n",
        fields,
    ]
    return Composed(
        header=b"".join(header),
        body=body,
        message_id=message_id,
        needs_smtputf8=any(mailbox.needs_smtputf8 for mailbox in mailboxes),
    )


def _subject(text: str) -> str:
    if len(text) > _MAX_VALUE:
        raise Invalid(f"`subject` must have at most {_MAX_VALUE} characters.")
    return demand_clean(text, "subject")


def _addresses(name: str, mailboxes: Sequence[Mailbox]) -> bytes:
    return address_field(name, mailboxes) if mailboxes else b""


def _own_fields(headers: Mapping[str, str]) -> list[bytes]:
    if len(headers) > _MAX_FIELDS:
        raise Invalid(f"`headers` must have at most {_MAX_FIELDS} entries.")
    fields = []
    for name, value in headers.items():
        lower = demand_name(name).lower()
        demand_clean(value, f"headers.{name}")
        _demand_free(name, lower)
        if len(value) > _MAX_VALUE:
            raise Invalid(f"`headers.{name}` must have at most {_MAX_VALUE} characters.")
        if lower != "message-id":
            fields.append(fold(name, encoded_words(value.strip())))
    return fields


def _demand_free(name: str, lower: str) -> None:
    if lower in _OWN_PLACE:
        raise Invalid(f"`headers` must not have `{name}`: use the `{_OWN_PLACE[lower]}` field.")
    if lower in _OURS or lower.startswith("content-"):
        raise Invalid(f"`headers` must not have `{name}`: the server writes it.")


def _own_message_id(headers: Mapping[str, str]) -> str | None:
    for name, value in headers.items():
        if name.lower() == "message-id":
            if not _MESSAGE_ID.match(value.strip()):
                raise Invalid(f"`headers.{name}` must be like `<unique@example.com>`.")
            return value.strip()
    return None


def _structure(draft: Draft) -> Part:
    """mixed(alternative(plain, related(html, inline...)), files...), as far as there is any."""
    inline = [item for item in draft.attachments if item.content_id and draft.html]
    files = [item for item in draft.attachments if item not in inline]
    body = _body(draft, inline)
    if not files:
        return body
    named = [_file_part(item, "attachment") for item in files]
    return Multipart("mixed", [body, *named])


def _body(draft: Draft, inline: Sequence[Attachment]) -> Part:
    if draft.html is None or draft.html == "":
        return text_part(draft.text or "", "plain")
    html: Part = text_part(draft.html, "html")
    if inline:
        shown = [_file_part(item, "inline") for item in inline]
        # RFC 2387 section 3.1: the type of the root has to be said.
        html = Multipart("related", [html, *shown], (("type", "text/html"),))
    text = text_of_html(draft.html) if draft.text is None else draft.text
    if not text.strip():
        return html
    return Multipart("alternative", [text_part(text, "plain"), html])


def _file_part(item: Attachment, disposition: str) -> Leaf:
    name = demand_clean(item.filename, "attachments.filename") if item.filename else None
    named = [("filename", name)] if name else []
    fields = with_parameters("Content-Disposition", disposition, named)
    if item.content_id:
        fields += fold("Content-ID", [_content_id(item.content_id)])
    media_type, parameters = _media_type(item)
    if name:
        parameters = [*parameters, ("name", name)]
    if media_type.lower() == "message/rfc822":
        content_type = with_parameters("Content-Type", media_type, parameters)
        part = message_part(content_type, fields, item.octets)
        if part is not None:
            return part
        # RFC 2046 section 5.2.1: a message must not be encoded, so this one goes as a file.
        media_type = _UNKNOWN_TYPE
    content_type = with_parameters("Content-Type", media_type, parameters)
    return octets_part(content_type, fields, item.octets)


def _media_type(item: Attachment) -> tuple[str, list[tuple[str, str]]]:
    if item.content_type is None:
        guessed, encoding = mimetypes.guess_type(item.filename or "")
        return (guessed if guessed and not encoding else _UNKNOWN_TYPE), []
    value = item.content_type.strip()
    found = _CONTENT_TYPE.match(value)
    if not found or len(value) > 500:
        raise Invalid(_not_a_type(value))
    if found[1].lower() == "multipart":
        raise Invalid("`attachments.content_type` must not be a multipart type.")
    parameters = []
    at = found.end()
    while at < len(value):
        parameter = _PARAMETER.match(value, at)
        if not parameter:
            raise Invalid(_not_a_type(value))
        text = parameter[2] if parameter[2] is not None else parameter[3]
        if parameter[1].lower() != "name":
            parameters.append((parameter[1], demand_clean(text, "attachments.content_type")))
        at = parameter.end()
    return found[0], parameters


def _not_a_type(value: str) -> str:
    return f"`attachments.content_type` must be like `image/png`, not {value[:80]!r}."


def _content_id(value: str) -> str:
    text = demand_clean(value, "attachments.content_id").strip().removeprefix("<")
    text = text.removesuffix(">")
    if not text or len(text) > 128 or not text.isascii() or re.search(r"[<>\s]", text):
        raise Invalid("`attachments.content_id` must be 1 to 128 ASCII characters without spaces.")
    return f"<{text}>"
