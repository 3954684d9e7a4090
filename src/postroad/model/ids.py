"""The identifiers that all parts share, each a type of its own."""

import unicodedata
from typing import NewType

TenantId = NewType("TenantId", int)
AccountId = NewType("AccountId", int)
"""The owner of mailboxes, or of API rows: the first column of every key in the store."""
MailboxId = NewType("MailboxId", int)
EmailId = NewType("EmailId", int)
"""Unique within its account; kept by COPY and MOVE (RFC 8474 section 5.1)."""
ThreadId = NewType("ThreadId", int)
Uid = NewType("Uid", int)
UidValidity = NewType("UidValidity", int)
ModSeq = NewType("ModSeq", int)
BlobId = NewType("BlobId", bytes)
"""16 octets, see `postroad.base.identifiers.new_octets`."""
TraceId = NewType("TraceId", str)
SubmissionId = NewType("SubmissionId", str)
"""A UUID; what the REST API calls the id of an email."""
MailboxName = NewType("MailboxName", str)
"""Unicode in NFC, levels parted by ``/``, ``INBOX`` in capitals."""


def mailbox_name(text: str) -> MailboxName:
    """The name that a person or a program means who writes it so."""
    name = unicodedata.normalize("NFC", text)
    return MailboxName("INBOX" if name.upper() == "INBOX" else name)
