"""Match mailbox names against ``list-mailbox`` (RFC 9051 section 6.3.9)."""

import re

_STARS = re.compile(r"[*%]*\*[*%]*")
_PERCENTS = re.compile(r"%%+")


class MailboxPattern:
    """One pattern, compiled. A match costs one step for each character of the name.

    The places of the pattern that are reached are kept as the bits of one integer, so no
    pattern makes a name cost more than another: ``*a*a*a*a`` cannot backtrack.
    """

    def __init__(self, pattern: str, separator: str = "/") -> None:
        pattern = _PERCENTS.sub("%", _STARS.sub("*", pattern))
        self._separator = separator
        self._any = 0  # bits of ``*``
        self._level = 0  # bits of ``%``
        self._literal: dict[str, int] = {}
        self._length = len(pattern)
        for place, character in enumerate(pattern):
            bit = 1 << place
            if character == "*":
                self._any |= bit
            elif character == "%":
                self._level |= bit
            else:
                self._literal[character] = self._literal.get(character, 0) | bit

    def matches(self, name: str) -> bool:
        wild = self._any | self._level
        reached = 1 | (1 & wild) << 1
        for character in name:
            stays = self._any if character == self._separator else wild
            moved = (reached & self._literal.get(character, 0)) << 1
            reached = moved | (reached & stays)
            reached |= (reached & wild) << 1
            if not reached:
                return False
        return bool(reached >> self._length & 1)


def matches_inbox(pattern: str, separator: str = "/") -> bool:
    """Whether the pattern names INBOX, in whatever case (RFC 9051 section 5.1)."""
    return MailboxPattern(pattern.upper(), separator).matches("INBOX")
