"""What old mail programs need of IMAP."""

from enum import Enum


class Workaround(Enum):
    """What some program needs, and the standards do not ask for; the value is its name."""

    DELAY_NEWMAIL = "delay-newmail"
    """News of the selected mailbox only with NOOP, CHECK and IDLE."""
    EXTRA_SEPARATOR = "tb-extra-mailbox-sep"
    """A separator at the end of a mailbox's name is not there."""
    STILL_HERE = "idle-still-here"
    """In IDLE a word every two minutes."""
