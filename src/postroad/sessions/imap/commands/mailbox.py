"""CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8)."""

from functools import partial

from postroad.core.mailbox.service import DELIMITER
from postroad.model.ids import MailboxName
from postroad.model.mailbox import SpecialUse
from postroad.model.sharing import Place, Rights
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    Replies,
    always,
)
from postroad.sessions.imap.mailboxes import entry_of, mailbox_object_id
from postroad.wire.imap.mailbox_commands import (
    Create,
    Rename,
    parse_create,
    parse_mailbox,
    parse_rename,
)
from postroad.wire.imap.mailbox_responses import ListEntry
from postroad.wire.imap.responses import Condition, Status

_USES = {use.value.lower(): use for use in SpecialUse}


async def create(context: Context, command: Create) -> Replies:
    uses = [_USES.get(use.lower()) for use in command.uses]
    if None in uses or len(uses) > 1:
        # RFC 6154 section 3: one use for a mailbox, and no unknown ones.
        yield Done("That special use cannot be set", b"USEATTR", Condition.NO)
        return
    use = uses[0] if uses else None
    spot = await context.reach.new(context.viewer, MailboxName(command.mailbox))
    place = Place(spot, await context.mailboxes.create(spot, use))
    context.touch(*_line(place.name))
    if place.name != command.mailbox.removesuffix("/"):
        # RFC 9051 section 6.3.4: the name was normalised, and the client has to know.
        yield entry_of(place, utf8=context.utf8, old_name=command.mailbox)
    yield Done("Created", b"MAILBOXID (%b)" % mailbox_object_id(place).encode())


async def delete(context: Context, command: str) -> Replies:
    place = await context.reach.existing(context.viewer, MailboxName(command), Rights.DELETE)
    await context.mailboxes.delete(place)
    context.touch(*_line(place.name))
    if _is_selected(context, place):
        context.view = None
        yield Status(Condition.OK, "It was selected", b"CLOSED")
    yield Done("Deleted")


def _is_selected(context: Context, place: Place) -> bool:
    """Whether it is the selected mailbox, whatever that was called when it was selected."""
    view, mailbox = context.view, place.mailbox
    return view is not None and (view.account, view.mailbox_id) == (
        place.owner,
        mailbox.mailbox_id,
    )


async def rename(context: Context, command: Rename) -> Replies:
    name = MailboxName(command.source)
    source = await context.reach.existing(context.viewer, name, Rights.DELETE)
    target = await context.reach.new(context.viewer, MailboxName(command.target))
    await context.mailboxes.rename(source, target)
    context.touch(*_line(source.name), *_line(target.prefix + target.name))
    if context.rev2 and source.name != "INBOX":
        yield ListEntry(command.target, (), context.utf8, old_name=command.source)
    yield Done("Renamed")


async def subscribe(context: Context, command: str, *, subscribed: bool) -> Replies:
    await context.mailboxes.set_subscribed(
        context.account, MailboxName(command), subscribed=subscribed
    )
    context.touch(command)
    yield Done("Subscribed" if subscribed else "Unsubscribed")


def _line(name: str) -> list[str]:
    """A name and all above it."""
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels) + 1)]


CREATE = Feature(b"CREATE", AFTER_LOGIN, parse_create, create, always(b"CREATE-SPECIAL-USE"))
DELETE = Feature(b"DELETE", AFTER_LOGIN, parse_mailbox, delete)
RENAME = Feature(b"RENAME", AFTER_LOGIN, parse_rename, rename)
SUBSCRIBE = Feature(b"SUBSCRIBE", AFTER_LOGIN, parse_mailbox, partial(subscribe, subscribed=True))
UNSUBSCRIBE = Feature(
    b"UNSUBSCRIBE", AFTER_LOGIN, parse_mailbox, partial(subscribe, subscribed=False)
)
