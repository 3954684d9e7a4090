"""`postroad domain`: the domains that mail is received for and sent from."""

from typing import TYPE_CHECKING

from cyclopts import App

from postroad.base.moments import to_iso
from postroad.cli.dns import record_json, zone_lines
from postroad.cli.founding import create_domain, only_tenant, publishing
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage

if TYPE_CHECKING:
    from postroad.core.directory.domains import DnsRecord
    from postroad.model.directory import Domain

app = App(name="domain", help="Domains that mail is received for and sent from.")


@app.command
async def add(name: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Add a domain, with DKIM keys of its own.

    **Examples**

        postroad domain add example.org

    Parameters
    ----------
    name:
        The domain; an internationalised one in either form.
    """
    async with invocation.program() as program:
        made = await create_domain(program, await only_tenant(program), name)
        records = await program.domains.records(made)
    value = {**domain_json(made), "dns": [record_json(record) for record in records]}
    invocation.output.result(
        value,
        f"Domain {made.name} added.",
        publishing(made.name),
        *zone_lines(records),
        f"Next: postroad account add NAME@{made.name}",
    )


@app.command(name="list")
async def list_(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the domains.

    **Examples**

        postroad domain list --json
    """
    async with invocation.program() as program:
        found = await program.domains.domains(None)
    invocation.output.table(
        [domain_json(one) for one in found],
        ("Domain", "Status", "Catch-all", "Since"),
        [
            (one.name, one.status.value, one.catch_all or "", to_iso(one.created_at))
            for one in found
        ],
        empty="There is no domain. Next: postroad domain add DOMAIN",
    )


@app.command
async def show(name: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Show a domain with its accounts and DKIM keys.

    **Examples**

        postroad domain show example.org
    """
    from postroad.formats.mailaddress import split_address

    async with invocation.program() as program:
        one = await program.domains.find(name)
        keys = await program.directory.dkim_keys(one.name)
        every = await program.accounts.accounts(one.tenant_id)
    accounts = [each.address for each in every if split_address(each.address)[1] == one.name]
    value = {
        **domain_json(one),
        "dkim": [{"selector": key.selector, "algorithm": key.algorithm} for key in keys],
        "accounts": accounts,
    }
    invocation.output.result(
        value,
        f"Domain     {one.name}",
        f"Status     {one.status.value}",
        f"Catch-all  {one.catch_all or 'none'}",
        f"Since      {to_iso(one.created_at)}",
        *(f"DKIM       {key.selector} ({key.algorithm})" for key in keys),
        f"Accounts   {', '.join(accounts) or 'none'}",
        f"Next: postroad domain dns {one.name}",
    )


@app.command
async def dns(name: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Show the DNS records that a domain needs, as a table and as lines for a zone file.

    **Examples**

        postroad domain dns example.org
    """
    async with invocation.program() as program:
        one = await program.domains.find(name)
        records = await program.domains.records(one)
    output = invocation.output
    output.table(
        {"domain": one.name, "records": [record_json(record) for record in records]},
        ("For", "Type", "Name", "Priority", "Value"),
        [_row(record) for record in records],
        empty=f"{one.name} needs no records.",
    )
    if not output.as_json:
        output.result({}, "", "For a zone file:", *zone_lines(records), "")
        output.result({}, f"Next, when they are published: postroad domain verify {one.name}")


@app.command
async def verify(
    name: str,
    /,
    *,
    trust: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> int:
    """Look whether the DNS has a domain's records; programs may send from it then.

    **Examples**

        postroad domain verify example.org

    Parameters
    ----------
    trust:
        Call it verified without a look, for a DNS that this machine does not see.
    """
    async with invocation.program() as program:
        one = await program.domains.find(name)
        if trust:
            await program.domains.trust(one)
            one = await program.domains.find(name)
        else:
            one = await program.domains.verify(one.tenant_id, one.domain_id)
        records = await program.domains.records(one)
    is_verified = one.status.value == "verified"
    value = {
        **domain_json(one),
        "records": [{**record_json(one), "published": one.is_published} for one in records],
    }
    missing = [record for record in records if record.is_published is False]
    lines = [f"{one.name} is {'verified' if is_verified else 'not verified'}."]
    if missing:
        lines += ["These records were not found:", *zone_lines(missing)]
        lines += ["Publish them, wait until the old answers expire, and run this again."]
    invocation.output.result(value, *lines)
    return 0 if is_verified else 1


@app.command
async def remove(name: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Remove a domain that has no accounts and aliases any more.

    **Examples**

        postroad domain remove example.org
    """
    async with invocation.program() as program:
        one = await program.domains.find(name)
        await program.domains.delete(one.tenant_id, one.domain_id)
    invocation.output.result(
        {"domain": one.name, "removed": True},
        f"Domain {one.name} removed. Mail for it is refused from now on.",
        "Next: take its MX record out of the DNS.",
    )


@app.command(name="catch-all")
async def catch_all(
    name: str,
    address: str | None = None,
    /,
    *,
    none: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Say which account gets the mail for names that no one has.

    **Examples**

        postroad domain catch-all example.org alice@example.org

        postroad domain catch-all example.org --none

    Parameters
    ----------
    address:
        An account of this server.
    none:
        Refuse such mail, as without a catch-all.
    """
    if (address is None) != none:
        raise WrongUsage("domain catch-all takes an ADDRESS, or --none, and not both")
    async with invocation.program() as program:
        one = await program.domains.find(name)
        await program.domains.set_catch_all(one, address)
        one = await program.domains.find(name)
    told = (
        f"Mail for unknown names at {one.name} goes to {one.catch_all} now."
        if one.catch_all
        else f"Mail for unknown names at {one.name} is refused now."
    )
    invocation.output.result(domain_json(one), told)


def domain_json(one: "Domain") -> dict[str, object]:
    return {
        "id": one.domain_id,
        "name": one.name,
        "status": one.status.value,
        "catch_all": one.catch_all,
        "created_at": to_iso(one.created_at),
    }


def _row(record: "DnsRecord") -> tuple[str, str, str, str, str]:
    priority = "" if record.priority is None else str(record.priority)
    return (record.purpose, record.type, record.name, priority, record.value)
