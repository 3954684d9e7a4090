"""What people do to messages of a mailbox: the events of RFC 6785 section 2.2, once committed.

Every APPEND, COPY and change of flags passes here, whichever command made it. Others are woken,
operators see how much of it there is, and what people do in the mailboxes of others is logged.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from postroad.model.ids import Uid
from postroad.model.mailbox import Combination, FlagChange, Flags
from postroad.model.sharing import Place
from postroad.ports.bus import Bus
from postroad.ports.counters import Counter, Counters, NoCounters

log = logging.getLogger(__name__)


class Cause(Enum):
    """The values are those of ``imap.cause`` (RFC 6785 section 4.3); MOVE is a COPY there."""

    APPEND = "APPEND"
    COPY = "COPY"
    FLAG = "FLAG"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened to each of `uids`, in this order; `place` is where they lie now.

    `place.actor` did it: ``imap.user``. Where flags changed, `change` is what was asked for, and
    `became` what it did, as far as the store tells that.
    """

    cause: Cause
    place: Place
    uids: Sequence[Uid]
    change: FlagChange | None = None
    became: Mapping[Combination, Combination] = field(default_factory=dict)

    def changed_flags(self) -> list[str]:
        """Those that changed on any of the messages (RFC 6785 section 4.5).

        There are none of APPEND and COPY. Where the store does not tell what became of them, those
        that were named.
        """
        if self.change is None:
            return []
        system, keywords = self.change.flags, set(self.change.keywords)
        if self.became:
            system, keywords = Flags.NONE, set()
            for (flags, words), (new_flags, new_words) in self.became.items():
                system |= Flags(flags ^ new_flags)
                keywords |= set(words.split()) ^ set(new_words.split())
        names = [f"\\{(flag.name or '').capitalize()}" for flag in Flags if flag & system]
        return sorted([*names, *keywords])


class Happenings:
    """Call `happened` after the commit, never before: nobody must hear of what may yet fail."""

    def __init__(self, bus: Bus, counters: Counters | None = None) -> None:
        self._bus = bus
        self._counters = counters or NoCounters()

    def happened(self, happening: Happening) -> None:
        if not happening.uids:
            return
        place, cause = happening.place, happening.cause.value
        self._bus.announce(place.owner)
        self._counters.count(Counter.HAPPENINGS, cause.lower(), len(happening.uids))
        if place.actor != place.owner:
            log.info(
                "messages of another's mailbox were changed",
                extra={
                    "account": place.actor,
                    "owner": place.owner,
                    "mailbox": place.mailbox.name,
                    "cause": cause,
                    "flags": " ".join(happening.changed_flags()),
                    "messages": len(happening.uids),
                },
            )
