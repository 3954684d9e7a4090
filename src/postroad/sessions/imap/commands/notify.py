"""NOTIFY (RFC 5465)."""

from postroad.base.phrases import phrase
from postroad.sessions.imap.errors import BadEvent, TooMuchToTell
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    DEAF,
    Context,
    Feature,
    News,
    Notifying,
    Replies,
    always,
)
from postroad.sessions.imap.news import news
from postroad.sessions.imap.watching import Watch
from postroad.wire.imap.notify import Event, EventGroup, Notify, Watched, parse_notify

_MAX_WATCHED = 5000


async def handle(context: Context, command: Notify) -> Replies:
    if not all(group.knows_all for group in command.groups):
        raise BadEvent([event.value for event in Event])
    others = [group for group in command.groups if not group.is_selected]
    watch = Watch(others) if any(group.events for group in others) else None
    if watch is not None and await watch.begin(context) > _MAX_WATCHED:
        raise TooMuchToTell(phrase("at most {most} mailboxes can be watched", most=_MAX_WATCHED))
    # What has gathered is told before the new rules hold (section 3.1).
    context.notify = None
    async for response in news(context, News.ALL, refresh=True):
        yield response
    if watch is not None:
        for response in await watch.first(context):
            yield response
        if command.status:
            for response in await watch.status(context):
                yield response
    selected = [group for group in command.groups if group.is_selected]
    context.touched.clear()
    context.own_uids.clear()
    context.notify = _notifying(selected[0] if selected else None, watch)


def _notifying(selected: EventGroup | None, watch: Watch | None) -> Notifying:
    if selected is None:
        return Notifying(False, False, False, (), watch) if watch is not None else DEAF
    return Notifying(
        counts=Event.MESSAGE_NEW in selected.events,
        flags=Event.FLAG_CHANGE in selected.events,
        delayed=selected.mailboxes.watched is Watched.SELECTED_DELAYED,
        attributes=selected.attributes,
        others=watch,
    )


FEATURE = Feature(b"NOTIFY", AFTER_LOGIN, parse_notify, handle, always(b"NOTIFY"))
