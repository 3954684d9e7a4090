"""How IMAP listeners behave."""

from dataclasses import dataclass
from enum import Enum

from postroad.model.workarounds import Workaround
from postroad.sessions.sasl.exchange import PASSWORDS_ONLY, Circumstances


class Cleartext(Enum):
    """Whether a password may be taken without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"  # from this machine only


@dataclass(frozen=True, slots=True)
class ImapSettings:
    hostname: str
    """Our name in the greeting."""
    cleartext: Cleartext = Cleartext.NEVER
    """Whether LOGIN and AUTHENTICATE may be used without TLS."""
    max_append_octets: int = 50 * 2**20
    """The greatest message that APPEND takes, announced with APPENDLIMIT (RFC 7889)."""
    max_line_octets: int = 65_536
    """The longest command without its literals; RFC 7162 section 4 asks for at least 8192."""
    max_literal_octets: int = 65_536
    """All literals of one command together, messages of APPEND not counted."""
    literal_minus: bool = False
    """Take literals that do not wait only up to 4096 octets: LITERAL- (RFC 7888 section 5)."""
    max_failed_logins: int = 3
    """Refused logins of one connection before it is closed."""
    max_bad_commands: int = 20
    """Commands in a row that are not understood before the connection is closed."""
    utf8_only: bool = False
    """Nothing that may need UTF-8 before it is enabled: UTF8=ONLY (RFC 6855 section 6)."""
    submitters: frozenset[str] = frozenset()
    """Addresses that may fetch URLs which were made for submission (RFC 4467 section 3)."""
    gmail: bool = False
    """Messages have labels and numbers as at Gmail: X-GM-EXT-1."""
    workarounds: frozenset[Workaround] = frozenset()
    """For programs that need them."""
    sasl: Circumstances = PASSWORDS_ONLY
    """What of SASL the settings make possible."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who connected: an IPv4 or IPv6 address as text."""

    address: str
    is_loopback: bool = False
