"""How an SMTP listener behaves."""

from dataclasses import dataclass
from enum import Enum

from postroad.sessions.sasl.exchange import PASSWORDS_ONLY, Circumstances


class Role(Enum):
    """What a listener is for. The grammar is the same, the rules are not."""

    MX = "mx"  # from anyone, to our own recipients
    SUBMISSION = "submission"  # from our users, to anyone; TLS by STARTTLS (RFC 6409)
    SUBMISSIONS = "submissions"  # the same, TLS from the first octet (RFC 8314 section 3.3)

    @property
    def is_submission(self) -> bool:
        return self is not Role.MX


class Cleartext(Enum):
    """Whether a password may be taken without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"  # from this machine only


class BareNewlines(Enum):
    """What becomes of content in which a CR or LF stands alone (RFC 5321 section 2.3.8)."""

    REFUSE = "refuse"
    REPAIR = "repair"  # each is made a CRLF; the end of the message is CRLF.CRLF all the same


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    hostname: str
    """Our name in the greeting and in the answer to EHLO."""
    max_octets: int = 50 * 2**20
    """The greatest message taken in, announced with SIZE."""
    max_recipients: int = 1000
    """Recipients of one transaction; RFC 5321 section 4.5.3.1.8 asks for at least 100."""
    max_errors: int = 20
    """Refused commands before the connection is closed; an accepted message starts anew."""
    max_commands: int = 20_000
    """Commands of one connection."""
    max_failed_logins: int = 3
    """Refused AUTH commands of one connection."""
    cleartext: Cleartext = Cleartext.NEVER
    """Whether AUTH may be used without TLS."""
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    """What becomes of a message with a bare CR or LF, BINARYMIME apart."""
    sasl: Circumstances = PASSWORDS_ONLY
    """What of SASL the settings make possible."""
