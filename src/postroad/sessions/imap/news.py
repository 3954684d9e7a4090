"""What a client is told besides the answers to its commands (RFC 9051 section 7, RFC 5465)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from itertools import chain

from postroad.base.errors import MailError, NotFound
from postroad.formats.mime.transfer import UnknownEncoding
from postroad.model.ids import AccountId
from postroad.sessions.imap.annotating import Key, annotation_news
from postroad.sessions.imap.feature import (
    DEAF,
    Context,
    Extension,
    News,
    Next,
    Replies,
)
from postroad.sessions.imap.fetching import replies
from postroad.sessions.imap.kept import Update
from postroad.sessions.imap.updating import Delta, changed, gone, no_update, responses
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.fetch import FetchAtt, Item, Section
from postroad.wire.imap.responses import Condition, Response, Status

_MAX_NEWS = 1000  # responses about mailboxes that are not selected, at once
_OVERFLOW = Status(Condition.OK, "That is too much to be told", b"NOTIFICATIONOVERFLOW")


def listens_to(context: Context) -> frozenset[AccountId]:
    """The accounts whose changes the client waits for now: in IDLE, or after NOTIFY."""
    if context.principal is None:
        return frozenset()
    pending, notify = context.pending, context.notify
    idles = pending is not None and pending.idles
    found: set[AccountId] = set()
    if context.view is not None and (idles or (notify is not None and notify.counts)):
        found.add(context.view.account)
    elif idles:
        found.add(context.account)
    if notify is not None and notify.others is not None:
        found |= notify.others.owners
        idles |= notify.others.wants_server_metadata
    return frozenset(found | context.annotating.known.keys() if idles else found)


async def between_commands(context: Context) -> Replies:
    """What is told to a client that was woken while no command is under way, or in IDLE."""
    notify = context.notify
    idles = context.pending is not None and context.pending.idles
    late = not idles and notify is not None and notify.delayed
    kind = News.NO_EXPUNGE if late else News.WANTED
    async with aclosing(news(context, kind, refresh=True)) as found:
        async for response in found:
            yield response


async def news(context: Context, kind: News, *, refresh: bool) -> Replies:
    """Whatever may be told now; it may end the session, see `Context.next`."""
    if kind is not News.NONE and context.view is not None:
        async with aclosing(_selected(context, context.view, kind, refresh=refresh)) as found:
            async for reply in found:
                yield reply
        if context.next is Next.CLOSE:
            return
    try:
        for response in await _others(context, told=kind is not News.NONE):
            yield response
    except MailError:
        return  # it is told another time


async def _selected(context: Context, view: Selected, kind: News, *, refresh: bool) -> Replies:
    try:
        await _refresh(context, view, refresh=refresh)
    except NotFound:
        # RFC 2180 section 3.3: a mailbox that was deleted under a session ends it.
        context.view = None
        context.next = Next.CLOSE
        yield Status(Condition.BYE, "The selected mailbox was deleted")
        return
    except MailError:
        return  # it is told another time
    notify = context.notify
    if notify is not None and not notify.counts and kind is not News.ITS_OWN:
        return
    if context.delays_news and kind not in (News.ITS_OWN, News.WANTED):
        return
    known = view.uids[-1] if view.uids else 0
    expunge = kind is not News.NO_EXPUNGE
    for response in chain(_expunged_results(view) if expunge else (), _news_of(context, expunge)):
        yield response
    async with aclosing(_results(context, view, known)) as found:
        async for reply in found:
            yield reply


async def _refresh(context: Context, view: Selected, *, refresh: bool) -> None:
    if refresh:
        await view.refresh()
    if context.rev2:
        view.recent.forget()
    else:
        await view.look_for_recent()


def _expunged_results(view: Selected) -> Iterator[Response]:
    for update in view.updates.values():
        yield from gone(update, view)


def _news_of(context: Context, expunge: bool) -> Iterator[Response]:
    notify = context.notify
    return context.selected.news(
        expunge=expunge,
        vanished=context.qresync or context.uid_only,
        mod_seq=context.condstore,
        uid_only=context.uid_only,
        recent=not context.rev2,
        flags=notify is None or notify.flags,
    )


async def _results(context: Context, view: Selected, known: int) -> Replies:
    """New messages, and what changed in the results of searches (RFC 5267 section 4.3)."""
    deltas = []
    for update in list(view.updates.values()):
        try:
            deltas.append(await changed(context, view, update))
        except MailError:
            yield _given_up(view, update)
    async with aclosing(_new_messages(context, view, deltas, known)) as fetched:
        async for reply in fetched:
            yield reply
    for delta in deltas:
        try:
            for told in await responses(context, view, delta):
                yield told
        except MailError:
            yield _given_up(view, delta.update)


def _given_up(view: Selected, update: Update) -> Status:
    """The store does not answer, and a result that lacks something must not go on."""
    view.updates.pop(update.tag, None)
    return no_update(update.tag, "The result cannot be kept up to date any more")


async def _new_messages(
    context: Context, view: Selected, deltas: Sequence[Delta], known: int
) -> Replies:
    """What NOTIFY or UPDATE asked for of messages behind `known`, in one FETCH for each."""
    always = () if context.notify is None else context.notify.attributes
    own = context.own_uids.copy()
    context.own_uids.clear()
    matching = [delta for delta in deltas if delta.update.attributes and delta.added]
    if not always and not matching:
        return
    groups: dict[tuple[FetchAtt, ...], list[int]] = {}
    for uid in view.uids[bisect_left(view.uids, known + 1) :]:
        wanted = dict.fromkeys(() if uid in own else always)
        for delta in matching:
            if uid in delta.added:
                wanted |= dict.fromkeys(delta.update.attributes)
        if wanted:
            groups.setdefault(tuple(wanted), []).append(uid)
    for attributes, uids in groups.items():
        async with aclosing(_fetched(context, view, attributes, uids)) as found:
            async for reply in found:
                yield reply


async def _fetched(
    context: Context, view: Selected, attributes: Sequence[FetchAtt], uids: Sequence[int]
) -> Replies:
    items = [item for item in attributes if isinstance(item, Item)]
    if context.uid_only:
        items = [item for item in items if item is not Item.UID]
    sections = [item for item in attributes if isinstance(item, Section)]
    async with aclosing(
        replies(context, view, view.spans_of_uids(uids), items, sections)
    ) as found:
        try:
            async for reply in found:
                yield reply
        except (UnknownEncoding, MailError):
            return  # the client asks for it, and hears why


async def _others(context: Context, *, told: bool) -> list[Response]:
    """Other mailboxes that NOTIFY watches, and annotations."""
    watch = None if context.notify is None else context.notify.others
    found: list[Response] = []
    if watch is not None and told:
        found = await watch.look(context)
        if len(found) > _MAX_NEWS:
            context.notify = DEAF
            return [_OVERFLOW]
    return [*found, *await _annotations(context, told=told)]


async def _annotations(context: Context, *, told: bool) -> list[Response]:
    """For who enabled METADATA (RFC 5464 section 4.4.2), or asked NOTIFY for them."""
    enabled = Extension.METADATA in context.enabled
    watch = None if context.notify is None else context.notify.others
    if not enabled and (
        watch is None or not (watch.wants_server_metadata or watch.wants_mailbox_metadata)
    ):
        return []
    annotations, annotating = context.services.annotations, context.annotating
    server = enabled or (watch is not None and watch.wants_server_metadata)
    owners = set(await annotating.server_owners(annotations, context.viewer)) if server else set()
    if watch is not None and watch.wants_mailbox_metadata:
        owners |= watch.owners
    if enabled and context.view is not None:
        owners.add(context.view.account)
    changed = await annotating.look(annotations, context.viewer, owners, told=told)

    def name_of(key: Key) -> str | None:
        view = context.view
        if enabled and view is not None and (view.account, view.mailbox_id) == key:
            return view.place.name
        return None if watch is None else watch.annotated_name(context, key)

    return list(annotation_news(changed, name_of, server=server, utf8=context.utf8))
