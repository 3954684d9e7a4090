"""What is known of a message that comes in over SMTP, and how it is told in `Received`."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from postroad.base.moments import Moment, to_datetime
from postroad.model.ids import TraceId
from postroad.model.principal import Principal


class Way(Enum):
    """How a client reached us, which decides what it may do."""

    MX = "mx"  # mail from other servers, for local recipients only
    SUBMISSION = "submission"  # mail of our users, to anywhere (RFC 6409)


@dataclass(frozen=True, slots=True)
class Facts:
    """The connection as it stands at MAIL."""

    way: Way
    peer: str  # IP address
    helo: str  # what the client called itself; not to be trusted
    protocol: str  # the "with" keyword (RFC 3848, RFC 6531): ESMTPSA, UTF8SMTPS...
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in the clear
    principal: Principal | None = None


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL said beside the reverse path."""

    size: int = 0  # SIZE (RFC 1870), 0 when not told
    body: str = "7BIT"  # 7BIT, 8BITMIME or BINARYMIME
    utf8: bool = False  # SMTPUTF8


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is answered after the message is durable."""

    trace_id: TraceId


def mail_date(moment: Moment) -> str:
    """RFC 5322 section 3.3 date-time in UTC."""
    return _date_of(moment // 1_000_000)


@lru_cache(16)
def _date_of(second: int) -> str:
    when = to_datetime(Moment(second * 1_000_000))
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[when.weekday()]
    month = (
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    )[when.month - 1]  # fmt: skip
    return f"{day}, {when.day} {month} {when:%Y %H:%M:%S} +0000"


def received(facts: Facts, hostname: str, trace_id: TraceId, at: Moment) -> bytes:
    """The Received field (RFC 5321 section 4.4). No `for`: one blob serves all recipients.

    What the client called itself is cut and cleaned, since it is the client's text.
    """
    # Security: a submitter's address stays private, as RFC 8314 section 4.3 leaves us free to.
    if facts.way is Way.SUBMISSION:
        source = "from submission"
    else:
        source = f"from {_clean(facts.helo)} ({_address(facts.peer)})"
    tls = f"\r\n\t(using {facts.tls})" if facts.tls else ""
    return (
        f"Received: {source}{tls}\r\n"
        f"\tby {hostname} (Postroad) with {facts.protocol} id {trace_id};\r\n"
        f"\t{mail_date(at)}\r\n"
    ).encode()


def _address(peer: str) -> str:
    """An address literal (RFC 5321 section 4.1.3)."""
    return f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"


def _clean(helo: str) -> str:
    kept = "".join(
        letter for letter in helo if letter.isascii() and (letter.isalnum() or letter in ".-_:[]")
    )
    return kept[:255] or "unknown"
