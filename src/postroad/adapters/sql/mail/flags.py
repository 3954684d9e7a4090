"""Changing flags: one statement for many messages, one change row for the operation."""

from collections.abc import Mapping, Sequence

from postroad.adapters.sql.mail.mailboxes import load_selectable, record
from postroad.adapters.sql.mail.selection import choose, chosen, in_range, is_range
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, text
from postroad.base.errors import TooMany
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, ModSeq, Uid
from postroad.model.mailbox import Combination, FlagAction, FlagChange, Stored
from postroad.model.uidset import encode

_MAX_KEYWORDS = 128  # of one message; the account's 4,096 follow from the names in use
_ALWAYS = ModSeq(2**62)

_EXTREMES = chosen("""
    SELECT count(*), min(flags), max(flags), min(keywords), max(keywords) FROM placement
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} AND mod_seq <= :unchanged_since
""")
_COMBINATIONS = chosen("""
    SELECT flags, keywords, count(*) FROM placement
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} AND mod_seq <= :unchanged_since
    GROUP BY flags, keywords
""")
_MODIFIED = chosen("""
    SELECT uid FROM placement
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} AND mod_seq > :unchanged_since
    ORDER BY uid
""")
_UPDATE = """
    UPDATE placement SET flags = :new_flags, keywords = :new_keywords, mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
        AND flags = :flags AND keywords = :keywords AND mod_seq <= :unchanged_since
"""
_CHANGE = chosen(f"{_UPDATE} RETURNING uid")
_CHANGE_ALL = chosen(_UPDATE)
_TOUCH = Sql("""
    UPDATE mailbox SET mod_seq = :mod_seq WHERE owner_id = :owner AND mailbox_id = :mailbox
""")


def store_flags(
    owner: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    unchanged_since: ModSeq | None,
) -> Steps[Stored]:
    """Messages are few combinations of flags: each that changes is one UPDATE."""
    yield from lock(owner)
    found = yield from load_selectable(owner, mailbox)
    if not uids:
        return Stored(found.mod_seq, (), ())
    uids = in_range(uids)
    params: Params = {
        "owner": owner,
        "mailbox": mailbox,
        "unchanged_since": _ALWAYS if unchanged_since is None else unchanged_since,
    }
    modified: list[Uid] = []
    if unchanged_since is not None:
        rows = yield Run(*choose(_MODIFIED, uids, params))
        modified = [Uid(integer(row[0])) for row in rows]
    became: dict[Combination, Combination] = {}
    counted = 0
    for flags, keywords, messages in (yield from _combinations(uids, params)):
        wanted = _changed(flags, keywords, change)
        if wanted != (flags, keywords):
            became[flags, keywords] = wanted
            counted += messages
    if not became:
        return Stored(found.mod_seq, (), modified, found.mod_seq)
    mod_seq, _ = yield from take(owner)
    # Where every message named is there and changes, it is known which, without asking for each.
    named = uids if is_range(uids) else sorted(set(uids))
    every = counted == len(named)
    found_changed = yield from _update(uids, {**params, "mod_seq": mod_seq}, became, every=every)
    changed = named if every else found_changed
    yield Run(_TOUCH, {"owner": owner, "mailbox": mailbox, "mod_seq": mod_seq})
    yield from record(owner, mod_seq, mailbox, "flagged", encode(changed))
    return Stored(mod_seq, changed, modified, found.mod_seq, became)


def _combinations(uids: Sequence[Uid], params: Params) -> Steps[list[tuple[int, str, int]]]:
    """Flags and keywords that messages have, and how many have them."""
    rows = yield Run(*choose(_EXTREMES, uids, params))
    messages, *extremes = rows[0]
    if extremes[0] != extremes[1] or extremes[2] != extremes[3]:
        rows = yield Run(*choose(_COMBINATIONS, uids, params))
    elif messages:
        # Often all have the same, and grouping them costs three times what finding that out does.
        rows = [(extremes[0], extremes[2], messages)]
    else:
        rows = []
    return [(integer(row[0]), text(row[1]), integer(row[2])) for row in rows]


def _update(
    uids: Sequence[Uid],
    params: Params,
    became: Mapping[Combination, Combination],
    *,
    every: bool,
) -> Steps[list[Uid]]:
    """Change the combinations; which messages that were is only found out without `every`."""
    statement = _CHANGE_ALL if every else _CHANGE
    changed: list[int] = []
    for (flags, keywords), (new_flags, new_keywords) in became.items():
        more: Params = {
            **params,
            "flags": flags,
            "keywords": keywords,
            "new_flags": new_flags,
            "new_keywords": new_keywords,
        }
        # A combination made by an earlier round must not be changed again: its mod_seq is new.
        rows = yield Run(*choose(statement, uids, _before(more)))
        changed.extend(integer(row[0]) for row in rows)
    return [Uid(uid) for uid in sorted(changed)]


def _before(params: Params) -> Params:
    """Only rows older than this operation."""
    limit, mod_seq = params["unchanged_since"], params["mod_seq"]
    return {**params, "unchanged_since": min(integer(limit), integer(mod_seq) - 1)}


def _changed(flags: int, keywords: str, change: FlagChange) -> tuple[int, str]:
    """A combination of flags and keywords after the change. Raises `TooMany`."""
    words = frozenset(keywords.split())
    # Keywords match without regard to case, and keep the form they first had (RFC 9051 2.3.2).
    known = {word.lower(): word for word in words}
    named = frozenset(known.setdefault(word.lower(), word) for word in sorted(change.keywords))
    match change.action:
        case FlagAction.REPLACE:
            flags = change.replaced(flags)
            words = words if change.keeps_keywords else named
        case FlagAction.ADD:
            flags, words = flags | change.flags, words | named
        case FlagAction.REMOVE:
            flags, words = flags & ~change.flags, words - named
    if len(words) > _MAX_KEYWORDS:
        raise TooMany(phrase("a message has at most {most} keywords", most=_MAX_KEYWORDS))
    return int(flags), " ".join(sorted(words))
