"""CLOSE and UNSELECT (RFC 9051 sections 6.4.1 and 6.4.2)."""

from postroad.model.sharing import Rights
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Feature,
    News,
    Replies,
    always,
    no_arguments,
)


async def close(context: Context, command: None) -> Replies:
    """Expunge without saying so, then unselect."""
    view = context.selected
    context.view = None
    if not view.read_only and Rights.EXPUNGE in view.place.rights:
        # Security: only what this client knows of (RFC 9051 section 6.4.1 lets us choose).
        await view.refresh()
        uids = view.deleted()
        await context.mailboxes.expunge(view.place, uids, context.begin(len(uids)))
    yield Done("Closed")


async def unselect(context: Context, command: None) -> Replies:
    context.view = None
    yield Done("Unselected")


CLOSE = Feature(b"CLOSE", ONLY_SELECTED, no_arguments, close, news=News.NONE)
UNSELECT = Feature(
    b"UNSELECT", ONLY_SELECTED, no_arguments, unselect, always(b"UNSELECT"), news=News.NONE
)
