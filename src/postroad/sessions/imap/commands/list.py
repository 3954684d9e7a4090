"""LIST and LSUB (RFC 9051 section 6.3.9, RFC 3501 section 6.3.9, RFC 5258, RFC 5819).

Extended by RFC 8440 (MYRIGHTS) and RFC 9590 (METADATA).
"""

from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Feature, Replies, always
from postroad.sessions.imap.mailboxes import Tree, status_of
from postroad.wire.imap.acl import MyRights
from postroad.wire.imap.list import List, ListReturn, parse_list, parse_lsub
from postroad.wire.imap.mailbox_responses import LsubEntry, MailboxStatus, Separator
from postroad.wire.imap.metadata import Metadata


async def _tree(context: Context) -> Tree:
    places = await context.reach.places(context.viewer)
    return Tree(places, await context.mailboxes.subscriptions(context.account))


async def handle(context: Context, command: List) -> Replies:
    if command.patterns == ("",) and not command.is_extended:
        yield Separator()
        return
    tree = await _tree(context)
    for entry in tree.listed(command, utf8=context.utf8):
        yield entry
        if ListReturn.MYRIGHTS in command.returns and (place := tree.chosen(entry.name, command)):
            yield MyRights(entry.name, place.rights, context.utf8)
        if command.status and (place := tree.readable(entry.name)):
            # RFC 5819 section 2: after its LIST response, and only if it can be selected.
            values = await status_of(context, place, command.status)
            yield MailboxStatus(entry.name, values, context.utf8)
        if command.entries and (place := tree.chosen(entry.name, command)):
            there = await context.services.annotations.of_place(context.viewer, place)
            values_of = {name: there.get(name) for name in command.entries}
            yield Metadata(entry.name, values_of, context.utf8)


async def handle_lsub(context: Context, command: List) -> Replies:
    tree = await _tree(context)
    for name, attributes in tree.subscribed(command):
        yield LsubEntry(name, attributes, context.utf8)


LIST = Feature(
    b"LIST",
    AFTER_LOGIN,
    parse_list,
    handle,
    always(
        b"CHILDREN",
        b"LIST-EXTENDED",
        b"LIST-STATUS",
        b"LIST-MYRIGHTS",
        b"LIST-METADATA",
        b"SPECIAL-USE",
    ),
)
LSUB = Feature(b"LSUB", AFTER_LOGIN, parse_lsub, handle_lsub)
