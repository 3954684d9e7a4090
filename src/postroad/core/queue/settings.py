"""When mail is tried again, and how long."""

import random
from dataclasses import dataclass
from datetime import timedelta

from postroad.base.moments import Moment, after


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The defaults are those of common practice (RFC 5321 section 4.5.4.1)."""

    first_retry: timedelta = timedelta(minutes=1)
    """How long after the first failed attempt the second one comes."""
    growth: float = 2.0
    """Each delay is this many times the one before."""
    longest_retry: timedelta = timedelta(hours=4)
    """No delay is longer."""
    jitter: float = 0.2
    """A delay is made up to this part shorter or longer, so that retries do not march in step."""
    give_up_after: timedelta = timedelta(days=5)
    """After this long without success the message is returned to its sender."""
    warn_after: timedelta = timedelta(hours=4)
    """After this long the sender is told, once, that the message is delayed."""
    lease: timedelta = timedelta(seconds=90)
    """How long a worker holds what it sends; renewed while it works, so a dead one is noticed."""
    at_once: int = 100
    """Deliveries at the same time over all destinations."""
    at_once_per_destination: int = 10
    """Deliveries at the same time to one domain."""

    def next_attempt_at(self, now: Moment, attempts: int) -> Moment:
        """When to try again after `attempts` attempts, of which the last has just failed."""
        # As a quotient, because a timedelta cannot grow without end.
        most = self.longest_retry / self.first_retry
        delay = self.first_retry * min(self.growth ** min(attempts - 1, 40), most)
        # Not a secret: the jitter only spreads load.
        spread = 1 + self.jitter * (2 * random.random() - 1)  # noqa: S311
        return after(now, delay * spread)
