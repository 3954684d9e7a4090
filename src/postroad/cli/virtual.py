"""`postroad mailbox virtual`: searches that an account sees as mailboxes."""

from typing import Annotated

from cyclopts import App, Parameter

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage

app = App(name="virtual", help="Searches that are shown as mailboxes (setting imap.virtual).")

Account = Annotated[str, Parameter(metavar="ACCOUNT", help="The address of their owner.")]
Name = Annotated[str, Parameter(metavar="NAME", help="What comes after `Virtual/`.")]


@app.command
async def add(
    account: Account,
    name: Name,
    /,
    *,
    search: Annotated[str, Parameter(metavar="KEYS")],
    within: Annotated[
        tuple[str, ...], Parameter(name="--in", metavar="MAILBOX", negative_iterable=())
    ] = (),
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Show the messages that a search finds as a mailbox `Virtual/NAME`.

    **Examples**

        postroad mailbox virtual add bob@example.org Unread --search UNSEEN

        postroad mailbox virtual add bob@example.org Boss --search 'FROM boss@' --in INBOX

    Parameters
    ----------
    search:
        Search keys as in IMAP, such as `UNSEEN` or `OR FROM a SUBJECT "b c"`; those by number,
        RECENT, MODSEQ, OLDER, YOUNGER and FILTER cannot be used.
    within:
        A mailbox to search, may be repeated; without it all but those of junk and trash.
    """
    from postroad.core.mailbox.virtual import acceptable_name
    from postroad.model.ids import MailboxName
    from postroad.model.virtual import NewVirtual
    from postroad.sessions.imap.saved import parse_saved

    parse_saved(search)
    new = NewVirtual(acceptable_name(name), search, within)
    async with invocation.program() as program:
        owner = (await program.accounts.find(account)).account_id
        for each in within:
            if await program.mail.find_mailbox(owner, MailboxName(each)) is None:
                raise WrongUsage(f"--in: {account} has no mailbox {each}")
        made = await program.virtual.create_virtual(owner, new)
        shown = program.settings.imap.virtual
    told = f"Mailbox {made.mailbox.name} added."
    if not shown:
        told += " It is shown once the setting imap.virtual is true."
    invocation.output.result({"name": made.mailbox.name, "search": search, "in": within}, told)


@app.command(name="list")
async def list_(account: Account, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the virtual mailboxes of an account; the built-in ones once they were looked at.

    **Examples**

        postroad mailbox virtual list bob@example.org
    """
    async with invocation.program() as program:
        owner = (await program.accounts.find(account)).account_id
        found = await program.virtual.virtuals(owner)
    invocation.output.table(
        [
            {"name": each.mailbox.name, "search": each.search, "in": list(each.within)}
            for each in found
        ],
        ("Name", "Search", "In"),
        [
            (each.mailbox.name, each.search, ", ".join(each.within) or "all but junk and trash")
            for each in found
        ],
        empty="There is none. Next: postroad mailbox virtual add ACCOUNT NAME --search KEYS",
    )


@app.command
async def remove(
    account: Account, name: Name, /, *, invocation: Invocation = EVERYTHING_DEFAULT
) -> None:
    """Remove a virtual mailbox; the messages that it showed stay where they are.

    **Examples**

        postroad mailbox virtual remove bob@example.org Unread
    """
    from postroad.base.errors import NotFound, NotPermitted
    from postroad.model.virtual import PREFIX

    async with invocation.program() as program:
        owner = (await program.accounts.find(account)).account_id
        found = await program.virtual.virtuals(owner)
        one = next((each for each in found if each.mailbox.name == PREFIX + name), None)
        if one is None:
            raise NotFound(f"{account} has no virtual mailbox {name}")
        if one.is_built_in:
            raise NotPermitted(f"{one.mailbox.name} is always there")
        await program.virtual.delete_virtual(owner, one.mailbox.mailbox_id)
    invocation.output.result(
        {"name": one.mailbox.name, "removed": True}, f"Mailbox {one.mailbox.name} removed."
    )
