"""SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 section 3)."""

from postroad.model.ids import MailboxName
from postroad.model.sharing import AclAction, Rights
from postroad.sessions.imap.feature import AFTER_LOGIN, Context, Done, Feature, Replies, always
from postroad.wire.imap.acl import (
    Acl,
    Identified,
    ListRights,
    MyRights,
    SetAcl,
    parse_identified,
    parse_set_acl,
)
from postroad.wire.imap.mailbox_commands import parse_mailbox


async def set_acl(context: Context, command: SetAcl) -> Replies:
    name = MailboxName(command.mailbox)
    await context.services.sharing.change(
        context.viewer, name, command.identifier, command.action, command.rights
    )
    yield Done("The rights are set")


async def delete_acl(context: Context, command: Identified) -> Replies:
    await context.services.sharing.change(
        context.viewer,
        MailboxName(command.mailbox),
        command.identifier,
        AclAction.REPLACE,
        Rights.NONE,
    )
    yield Done("The rights are gone")


async def get_acl(context: Context, command: str) -> Replies:
    entries = await context.services.sharing.acl(context.viewer, MailboxName(command))
    yield Acl(command, entries, context.utf8)


async def list_rights(context: Context, command: Identified) -> Replies:
    name = MailboxName(command.mailbox)
    required, optional = await context.services.sharing.grantable(
        context.viewer, name, command.identifier
    )
    yield ListRights(command.mailbox, command.identifier, required, optional, context.utf8)


async def my_rights(context: Context, command: str) -> Replies:
    rights = await context.services.sharing.my_rights(context.viewer, MailboxName(command))
    yield MyRights(command, rights, context.utf8)


# RFC 4314 section 2.2: only the rights that RFC 2086 did not have.
SETACL = Feature(b"SETACL", AFTER_LOGIN, parse_set_acl, set_acl, always(b"ACL", b"RIGHTS=kxte"))
DELETEACL = Feature(b"DELETEACL", AFTER_LOGIN, parse_identified, delete_acl)
GETACL = Feature(b"GETACL", AFTER_LOGIN, parse_mailbox, get_acl)
LISTRIGHTS = Feature(b"LISTRIGHTS", AFTER_LOGIN, parse_identified, list_rights)
MYRIGHTS = Feature(b"MYRIGHTS", AFTER_LOGIN, parse_mailbox, my_rights)
