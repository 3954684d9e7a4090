"""`postroad alias`: addresses that lead to others."""

from typing import TYPE_CHECKING

from cyclopts import App

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.model.directory import Alias

app = App(name="alias", help="Addresses that lead to others, here or elsewhere.")


@app.command
async def add(
    address: str, target: str, /, *targets: str, invocation: Invocation = EVERYTHING_DEFAULT
) -> None:
    """Let mail for an address go to others.

    **Examples**

        postroad alias add sales@example.org bob@example.org carol@elsewhere.example

    Parameters
    ----------
    address:
        The new address, in a domain of this server.
    target:
        Where its mail goes.
    targets:
        Further places.
    """
    async with invocation.program() as program:
        made = await program.accounts.create_alias(address, (target, *targets))
    invocation.output.result(
        alias_json(made),
        f"Mail for {made.address} goes to {', '.join(made.targets)} now.",
        f"Back: postroad alias remove {made.address}",
    )


@app.command(name="list")
async def list_(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the aliases.

    **Examples**

        postroad alias list
    """
    async with invocation.program() as program:
        found = await program.accounts.aliases(None)
    invocation.output.table(
        [alias_json(one) for one in found],
        ("Address", "Targets"),
        [(one.address, ", ".join(one.targets)) for one in found],
        empty="There is no alias. Next: postroad alias add ADDRESS TARGET",
    )


@app.command
async def remove(address: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Remove an alias; the accounts it leads to stay.

    **Examples**

        postroad alias remove sales@example.org
    """
    async with invocation.program() as program:
        one = await program.accounts.delete_alias(address)
    invocation.output.result(
        {"address": one.address, "removed": True},
        f"Alias {one.address} removed. Mail for it is refused from now on.",
    )


def alias_json(one: "Alias") -> dict[str, object]:
    return {"address": one.address, "targets": list(one.targets)}
