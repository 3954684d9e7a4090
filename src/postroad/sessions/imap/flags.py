"""Flags as the client writes them and as the store keeps them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from postroad.model.mailbox import Flags, Placements
from postroad.model.sharing import Rights, flags_allowed
from postroad.wire.imap.responses import PLAIN, Told

Look = tuple[int, str]  # (flags, keywords parted by spaces, sorted), as in `Placements`

_NAMES: dict[str, Flags] = {
    "\\Answered": Flags.ANSWERED,
    "\\Flagged": Flags.FLAGGED,
    "\\Deleted": Flags.DELETED,
    "\\Seen": Flags.SEEN,
    "\\Draft": Flags.DRAFT,
}
SYSTEM_FLAGS = tuple(_NAMES)


def stored(flags: Iterable[str]) -> tuple[Flags, frozenset[str]]:
    """System flags and keywords of a flag list that the parser let through."""
    system, keywords = Flags.NONE, set[str]()
    for flag in flags:
        if (known := _NAMES.get(flag)) is None:
            keywords.add(flag)
        else:
            system |= known
    return system, frozenset(keywords)


@lru_cache(8192)
def told(look: Look) -> bytes:
    """``FLAGS (...)`` of one combination."""
    flags, keywords = look
    names = [name.encode() for name, flag in _NAMES.items() if flags & flag]
    if keywords:
        names.append(keywords.encode())
    return b"FLAGS (%b)" % b" ".join(names)


def column(placements: Placements, looks: Sequence[int]) -> Told:
    """FLAGS of messages whose combinations are `looks`."""
    combinations = placements.combinations
    by_look = {look: told(combinations[look]) for look in set(looks)}
    return Told(PLAIN, [by_look[look] for look in looks])


def has(look: Look, flag: str) -> bool:
    """Whether the combination has a flag; keywords compare without case (RFC 9051 2.3.2)."""
    known = _NAMES.get(flag)
    if known is not None:
        return bool(look[0] & known)
    return flag.lower() in look[1].lower().split(" ")


def keywords_in(looks: Sequence[Look]) -> list[str]:
    """All keywords of some combinations, sorted."""
    return sorted({word for _, keywords in looks if keywords for word in keywords.split(" ")})


def permanent(keywords: Sequence[str], rights: Rights) -> tuple[str, ...]:
    """What may be changed for good with these rights; ``\\*`` stands for new keywords."""
    allowed = flags_allowed(rights)
    system = [name for name, flag in _NAMES.items() if flag & allowed]
    return (*system, *keywords, "\\*") if Rights.WRITE in rights else tuple(system)
