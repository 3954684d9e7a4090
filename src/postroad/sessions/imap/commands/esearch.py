"""ESEARCH, the search in several mailboxes at once (RFC 7377)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from postroad.base.errors import NotFound, TooMany
from postroad.base.phrases import phrase
from postroad.model.sharing import Place, Rights
from postroad.sessions.imap.evaluate import Evaluation
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.sessions.imap.filters import with_filters
from postroad.sessions.imap.relevancy import scores_of, wants_scores
from postroad.sessions.imap.results import begin, extended
from postroad.sessions.imap.sources import means
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.updating import check_tag, keep_up, no_update
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.multisearch import MultiSearch, parse_multi_search
from postroad.wire.imap.search import Return, Search

_MAX_MAILBOXES = 1000


async def handle(context: Context, command: MultiSearch) -> Replies:
    """What is selected stays so; by UID throughout, also in the selected mailbox."""
    updates = command.search.returns is not None and Return.UPDATE in command.search.returns
    if context.view is None and (command.needs_selected or updates):
        raise BadSyntax("a selected mailbox", 0)
    search = await with_filters(context, command.search)
    begin(context, search)
    check_tag(context, search)
    wants_scores(search)
    if context.view is not None:
        await context.view.refresh()
    places = await _places(context, command)
    async with aclosing(_views(context, command, places)) as views:
        async for view in views:
            async for reply in _found(context, search, view):
                yield reply
            await turn()
    if updates and context.tag not in context.selected.updates:
        yield no_update(context.tag, "The result cannot be kept up to date")
    yield Done("Searched")


async def _found(context: Context, search: Search, view: Selected) -> Replies:
    """Nothing is said of a mailbox in which nothing matches (section 2.1)."""
    places = await Evaluation(context, view).places(search.key)
    name = mailbox_name(view.place.name, utf8=context.utf8)
    source = b" MAILBOX %b UIDVALIDITY %d" % (name, view.uid_validity)
    returns = search.returns or Return.ALL
    scores = await scores_of(context, view, search, places) if wants_scores(search) else None
    answer = extended(context, search, places, returns, by_uid=True, view=view, scores=scores)
    if answer is not None and places:
        yield replace(answer, source=source)
    if view is context.view:
        # Where it is refused, `handle` says so, as it does where this mailbox is not searched.
        keep_up(context, search, places, by_uid=True, source=source)


async def _places(context: Context, command: MultiSearch) -> list[Place]:
    """All that is meant and may be read, without the selected mailbox. Raises `TooMany`."""
    subscribed = await context.mailboxes.subscriptions(context.account)
    found = [
        place
        for place in await context.reach.places(context.viewer)
        if place.mailbox.selectable
        and Rights.READ in place.rights
        and any(means(context, source, place.name, subscribed) for source in command.sources)
    ]
    if len(found) > _MAX_MAILBOXES:
        raise TooMany(
            phrase(
                "at most {most} mailboxes are searched at once",
                most=_MAX_MAILBOXES,
            )
        )
    return found


async def _views(
    context: Context, command: MultiSearch, places: list[Place]
) -> AsyncGenerator[Selected, None]:
    """Each mailbox once: the selected one as the client knows it, then the others."""
    selected = context.view
    key = None if selected is None else (selected.account, selected.mailbox_id)
    named = any((place.owner, place.mailbox.mailbox_id) == key for place in places)
    if selected is not None and (named or command.needs_selected):
        yield selected
    for place in places:
        if (place.owner, place.mailbox.mailbox_id) == key:
            continue
        try:
            snapshot = await context.mailboxes.snapshot(place)
        except NotFound:
            continue  # it went meanwhile
        yield Selected(context.mailboxes, place, snapshot, read_only=True)


FEATURE = Feature(
    b"ESEARCH", AFTER_LOGIN, parse_multi_search, handle, always(b"MULTISEARCH"), refreshes=True
)
