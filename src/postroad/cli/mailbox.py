"""`postroad mailbox`: what others may do with the mailboxes of an account, and virtual ones."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage
from postroad.cli.virtual import app as virtual

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.core.mailbox.sharing import Sharing
    from postroad.model.ids import MailboxName
    from postroad.model.sharing import AclAction, AclEntry, Rights, Viewer

app = App(name="mailbox", help="Mailboxes of accounts.")
acl = App(name="acl", help="What others may do with a mailbox (RFC 4314).")
app.command(acl)
app.command(virtual)

Account = Annotated[str, Parameter(metavar="ACCOUNT", help="The address of its owner.")]
Mailbox = Annotated[str, Parameter(metavar="MAILBOX", help="Its name, such as INBOX.")]
Identifier = Annotated[
    str,
    Parameter(
        metavar="IDENTIFIER",
        help="An address of an account of the same tenant, `anyone` (all of its people) or, to "
        "take rights away, one of them after a hyphen.",
    ),
]


@acl.command(name="list")
async def list_(
    account: Account, mailbox: Mailbox, /, *, invocation: Invocation = EVERYTHING_DEFAULT
) -> None:
    """List who has which rights to a mailbox; its owner always has all.

    **Examples**

        postroad mailbox acl list info@example.org INBOX
    """
    async with invocation.program() as program:
        entries = await _entries(program, account, mailbox)
    _print(entries, invocation)


@acl.command(name="set")
async def set_(
    account: Account,
    mailbox: Mailbox,
    identifier: Identifier,
    rights: Annotated[str, Parameter(metavar="RIGHTS", allow_leading_hyphen=True)],
    /,
    *,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Give rights to a mailbox; they count from the person's next command on.

    **Examples**

        postroad mailbox acl set info@example.org INBOX bob@example.org lrswite

        postroad mailbox acl set info@example.org INBOX anyone +lr

    Parameters
    ----------
    rights:
        Letters: l see it, r read, s mark as seen, w other flags, i put messages in, p post, k make
        mailboxes below, x remove the mailbox, t mark as deleted, e expunge, a change rights.
        After + or - they are added or taken away, else they replace what was there.
    """
    action, wanted = _modification(rights)
    await _change(account, mailbox, identifier, action, wanted, invocation)


@acl.command(name="delete")
async def delete(
    account: Account,
    mailbox: Mailbox,
    identifier: Identifier,
    /,
    *,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Take all rights of an identifier away.

    **Examples**

        postroad mailbox acl delete info@example.org INBOX bob@example.org
    """
    from postroad.model.sharing import AclAction, Rights

    await _change(account, mailbox, identifier, AclAction.REPLACE, Rights.NONE, invocation)


async def _change(
    account: str,
    mailbox: str,
    identifier: str,
    action: "AclAction",
    rights: "Rights",
    invocation: Invocation,
) -> None:
    async with invocation.program() as program:
        viewer = await _owner(program, account)
        await _sharing(program).change(viewer, _name(mailbox), identifier, action, rights)
        entries = await _entries(program, account, mailbox)
    _print(entries, invocation)


def _print(entries: "list[AclEntry]", invocation: Invocation) -> None:
    from postroad.wire.imap.acl import encode_rights

    told = [
        (f"-{one.identifier}" if one.negative else one.identifier, encode_rights(one.rights))
        for one in entries
    ]
    invocation.output.table(
        [{"identifier": identifier, "rights": rights} for identifier, rights in told],
        ("Identifier", "Rights"),
        told,
        empty="Nobody has rights.",
    )


async def _entries(program: "Program", account: str, mailbox: str) -> "list[AclEntry]":
    viewer = await _owner(program, account)
    return list(await _sharing(program).acl(viewer, _name(mailbox)))


async def _owner(program: "Program", account: str) -> "Viewer":
    """The operator does what the owner may do."""
    from postroad.model.sharing import Viewer

    found = await program.accounts.find(account)
    return Viewer(found.account_id, found.tenant_id)


def _sharing(program: "Program") -> "Sharing":
    from postroad.core.mailbox.reach import Reach
    from postroad.core.mailbox.sharing import Sharing

    reach = Reach(program.mail, program.sharing)
    return Sharing(reach, program.sharing, program.directory, program.bus)


def _name(mailbox: str) -> "MailboxName":
    from postroad.model.ids import mailbox_name

    return mailbox_name(mailbox)


def _modification(rights: str) -> "tuple[AclAction, Rights]":
    from postroad.wire.errors import WireError
    from postroad.wire.imap.acl import parse_modification

    try:
        return parse_modification(rights)
    except WireError as error:
        raise WrongUsage(f"RIGHTS: {error}") from error
