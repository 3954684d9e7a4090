"""What an account may hold, and what it holds (RFC 9208 section 5)."""

from dataclasses import dataclass

MAX_MAILBOXES = 10_000  # of any account, whatever its own limit


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """None is no limit."""

    octets: int | None = None
    messages: int | None = None
    mailboxes: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    octets: int
    messages: int
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Quota:
    used: Usage
    limits: QuotaLimits

    def has_room(self, octets: int, messages: int) -> bool:
        """Whether that much more may come; what takes nothing more always may."""
        return _fits(self.used.octets, octets, self.limits.octets) and _fits(
            self.used.messages, messages, self.limits.messages
        )


def _fits(used: int, more: int, limit: int | None) -> bool:
    return limit is None or more <= 0 or used + more <= limit
