"""`postroad account`: people with mailboxes."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from postroad.base.errors import AlreadyExists, Invalid
from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage
from postroad.cli.output import counted
from postroad.cli.passwords import read_password

if TYPE_CHECKING:
    from postroad.model.directory import Account
    from postroad.model.quota import Quota

_MAX_DIGITS = 15  # of a number of messages
app = App(name="account", help="People with mailboxes.")


@app.command
async def add(
    address: str,
    /,
    *,
    password_stdin: bool = False,
    name: str = "",
    role: Literal["owner", "admin", "member"] = "member",
    quota: Annotated[str | None, Parameter(metavar="SIZE")] = None,
    shared: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Add an account with the usual mailboxes.

    **Examples**

        postroad account add bob@example.org

        printf '%s\\n' "$PASSWORD" | postroad account add bob@example.org --password-stdin

        postroad account add carol@example.org --name 'Carol Example' --quota 2GiB

        postroad account add info@example.org --shared

    Parameters
    ----------
    address:
        Its address, in a domain of this server.
    password_stdin:
        Read the password from stdin instead of asking for it.
    name:
        The person's name.
    role:
        What the person may do for the tenant.
    quota:
        Room for mail, such as 2GiB; without it there is no limit.
    shared:
        Nobody logs in as it; who has rights finds its mailboxes below `Shared/`.
    """
    from postroad.model.directory import Role

    quota_octets = None if quota is None else _size(quota, "--quota")
    if shared:
        if password_stdin or role != "member":
            raise WrongUsage("--shared goes with no password and no role")
        await _add_shared(address, name, quota_octets, invocation)
        return
    password = read_password(from_stdin=password_stdin, whose=address)
    async with invocation.program() as program:
        try:
            made = await program.accounts.create(
                address,
                password,
                display_name=name,
                role=Role(role),
                quota_octets=quota_octets,
            )
        except AlreadyExists as error:
            raise AlreadyExists(
                f"{address} is there already. A new password: postroad account passwd {address}"
            ) from error
    invocation.output.result(
        account_json(made),
        f"Account {made.address} added.",
        f"Next: log in by IMAP and submission as {made.address}; other names for it: "
        f"postroad alias add ADDRESS {made.address}",
    )


async def _add_shared(
    address: str, name: str, quota_octets: int | None, invocation: Invocation
) -> None:
    async with invocation.program() as program:
        made = await program.accounts.create_shared(
            address, display_name=name, quota_octets=quota_octets
        )
    invocation.output.result(
        account_json(made),
        f"Shared account {made.address} added.",
        f"Next: postroad mailbox acl set {made.address} INBOX PERSON lrswite",
    )


@app.command(name="list")
async def list_(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the accounts.

    **Examples**

        postroad account list --json
    """
    async with invocation.program() as program:
        found = await program.accounts.accounts(None)
    invocation.output.table(
        [account_json(one) for one in found],
        ("Address", "Name", "Role", "State", "Quota", "Since"),
        [
            (
                one.address,
                one.display_name,
                one.role.value,
                _state(one),
                _quota(one),
                to_iso(one.created_at),
            )
            for one in found
        ],
        empty="There is no account. Next: postroad account add ADDRESS",
    )


@app.command
async def show(address: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Show an account: what it uses, its mailboxes and its other addresses.

    **Examples**

        postroad account show bob@example.org
    """
    async with invocation.program() as program:
        one = await program.accounts.find(address)
        quota = await program.mail.quota(one.account_id)
        mailboxes = await program.mail.mailboxes(one.account_id)
        aliases = await program.accounts.aliases(one.tenant_id)
        app_passwords = await program.accounts.app_passwords(one.address)
    leading = [alias.address for alias in aliases if one.address in alias.targets]
    names = [str(mailbox.name) for mailbox in mailboxes]
    value = {
        **account_json(one),
        **_used_json(quota),
        "mailboxes": names,
        "aliases": leading,
        "app_passwords": [credential.name for credential in app_passwords],
    }
    invocation.output.result(
        value,
        f"Account        {one.address}",
        f"Name           {one.display_name or 'none'}",
        f"Role           {one.role.value}",
        f"State          {_state(one)}",
        f"Used           {_told(quota)}",
        f"Mailboxes      {', '.join(names)}",
        f"Aliases        {', '.join(leading) or 'none'}",
        f"App passwords  {', '.join(each.name for each in app_passwords) or 'none'}",
        f"Since          {to_iso(one.created_at)}",
    )


@app.command
async def passwd(
    address: str,
    /,
    *,
    password_stdin: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Give an account another password; app passwords stay.

    **Examples**

        postroad account passwd bob@example.org

    Parameters
    ----------
    password_stdin:
        Read the password from stdin instead of asking for it.
    """
    password = read_password(from_stdin=password_stdin, whose=address)
    async with invocation.program() as program:
        one = await program.accounts.set_password(address, password)
    invocation.output.result(
        {"address": one.address, "changed": True},
        f"Password of {one.address} changed. Programs that used the old one must be told.",
    )


@app.command
async def quota(
    address: str,
    size: Annotated[str, Parameter(metavar="SIZE|none")],
    /,
    *,
    messages: Annotated[str | None, Parameter(metavar="N|none")] = None,
    mailboxes: Annotated[str | None, Parameter(metavar="N|none")] = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Give an account more or less room for mail; what it has stays, however much it is.

    The limits on messages and mailboxes stay as they are where they are not named.

    **Examples**

        postroad account quota bob@example.org 5GiB

        postroad account quota bob@example.org none --messages 100000 --mailboxes none

    Parameters
    ----------
    size:
        The room, such as 5GiB, or none for no limit.
    messages:
        How many messages the account may have in all.
    mailboxes:
        How many mailboxes it may have.
    """
    from postroad.model.quota import QuotaLimits

    octets = None if size == "none" else _size(size, "SIZE")
    async with invocation.program() as program:
        one = await program.accounts.find(address)
        limits = QuotaLimits(
            octets,
            _count(messages, "--messages", one.quota_messages),
            _count(mailboxes, "--mailboxes", one.quota_mailboxes),
        )
        one = await program.accounts.set_quota(address, limits)
        quota = await program.mail.quota(one.account_id)
    told = f"Account {one.address} has room for {_quota(one)} now and uses {_told(quota)}."
    if not quota.has_room(1, 1):
        told += " It is full: new mail is refused until some is removed."
    invocation.output.result({**account_json(one), **_used_json(quota)}, told)


@app.command
async def disable(
    address: str,
    /,
    *,
    undo: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Shut an account: no login, and its sessions end; its mail stays.

    **Examples**

        postroad account disable bob@example.org

        postroad account disable bob@example.org --undo

    Parameters
    ----------
    undo:
        Open it again.
    """
    async with invocation.program() as program:
        await program.accounts.set_disabled(address, disabled=not undo)
        one = await program.accounts.find(address)
    told = (
        f"Account {one.address} may log in again."
        if undo
        else f"Account {one.address} disabled. Back: postroad account disable {one.address} --undo"
    )
    invocation.output.result(account_json(one), told)


@app.command
async def remove(
    address: str,
    /,
    *,
    yes: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Remove an account with all of its mail, for good.

    **Examples**

        postroad account remove bob@example.org --yes

    Parameters
    ----------
    yes:
        Do not ask; nothing is asked either when stdin is no terminal.
    """
    async with invocation.program() as program:
        one = await program.accounts.find(address)
        if not yes and not _is_confirmed(one.address):
            raise Invalid("not confirmed; nothing was removed")
        await program.accounts.delete(one.address)
    invocation.output.result(
        {"address": one.address, "removed": True},
        f"Account {one.address} removed, with its mailboxes and app passwords.",
        "The octets of its messages are cleared by the server in the next days.",
    )


def account_json(one: "Account") -> dict[str, object]:
    return {
        "id": int(one.account_id),
        "address": one.address,
        "name": one.display_name,
        "role": one.role.value,
        "disabled": one.disabled,
        "shared": one.is_shared,
        "quota_octets": one.quota_octets,
        "quota_messages": one.quota_messages,
        "quota_mailboxes": one.quota_mailboxes,
        "created_at": to_iso(one.created_at),
    }


def _is_confirmed(address: str) -> bool:
    if not sys.stdin.isatty():
        return True
    print(f"Remove {address} and all of its mail? Write the address again: ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == address


def _size(text: str, what: str) -> int:
    from postroad.config.values import read_size

    try:
        return read_size(text)
    except ValueError as error:
        raise WrongUsage(f"{what}: {error}") from error


def _count(text: str | None, what: str, before: int | None) -> int | None:
    if text is None:
        return before
    if text == "none":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise WrongUsage(f"{what}: say a number or none")
    return int(text)


def _used_json(quota: "Quota") -> dict[str, object]:
    used = quota.used
    return {
        "used_octets": used.octets,
        "used_messages": used.messages,
        "used_mailboxes": used.mailboxes,
    }


def _told(quota: "Quota") -> str:
    from postroad.config.values import write_size

    used, limits = quota.used, quota.limits
    room = "" if limits.octets is None else f" of {write_size(limits.octets)}"
    messages, mailboxes = (
        counted(used.messages, "message"),
        counted(used.mailboxes, "mailbox", "mailboxes"),
    )
    if limits.messages is not None:
        messages += f" of {limits.messages}"
    if limits.mailboxes is not None:
        mailboxes += f" of {limits.mailboxes}"
    return f"{used.octets} octets{room}, {messages} and {mailboxes}"


def _state(one: "Account") -> str:
    state = "disabled" if one.disabled else "active"
    return f"{state}, shared" if one.is_shared else state


def _quota(one: "Account") -> str:
    from postroad.config.values import write_size

    return "unlimited" if one.quota_octets is None else write_size(one.quota_octets)
