"""What the rights to a mailbox leave of a wish (RFC 4314 section 4)."""

from dataclasses import replace

from postroad.base.errors import NotPermitted
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.model.sharing import ALL_RIGHTS, Rights, flags_allowed

_EVERY_FLAG = flags_allowed(ALL_RIGHTS)


def require(rights: Rights, needed: Rights) -> None:
    """Raises `NotPermitted`."""
    if needed not in rights:
        raise NotPermitted("you do not have the right to do this")


def permitted_change(change: FlagChange, rights: Rights) -> FlagChange:
    """The part of STORE that is allowed.

    It does not fail where one flag of several may be changed. Raises `NotPermitted` where none
    may.
    """
    if rights == ALL_RIGHTS:
        return change
    flags = flags_allowed(rights)
    keywords = change.keywords if Rights.WRITE in rights else frozenset[str]()
    names_some = bool(change.flags or change.keywords)
    left = bool(change.flags & flags or keywords) if names_some else bool(flags)
    if not left:
        raise NotPermitted("you may not change these flags")
    kept = replace(change, flags=change.flags & flags, keywords=keywords)
    if change.action is FlagAction.REPLACE:
        return replace(kept, keeps=_EVERY_FLAG & ~flags, keeps_keywords=Rights.WRITE not in rights)
    return kept


def permitted_flags(
    flags: Flags, keywords: frozenset[str], rights: Rights
) -> tuple[Flags, frozenset[str]]:
    """Flags of a new message: those that are not allowed are silently left out."""
    return flags & flags_allowed(rights), keywords if Rights.WRITE in rights else frozenset()
