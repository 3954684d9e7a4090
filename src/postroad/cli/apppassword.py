"""`postroad app-password`: passwords for one program of one person."""

from typing import TYPE_CHECKING, Literal

from cyclopts import App

from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.model.directory import Credential

app = App(name="app-password", help="Passwords for one program of one person.")


@app.command
async def create(
    address: str,
    /,
    *,
    name: str,
    scope: tuple[Literal["imap", "smtp", "http"], ...] = (),
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Make a password for one program, which is shown once.

    **Examples**

        postroad app-password create bob@example.org --name phone

        postroad app-password create bob@example.org --name scanner --scope smtp --json

    Parameters
    ----------
    address:
        Whose password it is.
    name:
        What it is for.
    scope:
        A protocol that it is good for; may be repeated, and without it all are.
    """
    async with invocation.program() as program:
        made, password = await program.accounts.create_app_password(
            address, name, frozenset[str](scope)
        )
    value = {**credential_json(made), "password": password.reveal()}
    invocation.output.result(
        value,
        f"App password for {made.name}: {password.reveal()}",
        "Keep it now: it is not shown again.",
        f"Back: postroad app-password revoke {address} {made.credential_id}",
    )


@app.command(name="list")
async def list_(address: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the app passwords of an account.

    **Examples**

        postroad app-password list bob@example.org
    """
    async with invocation.program() as program:
        found = await program.accounts.app_passwords(address)
    invocation.output.table(
        [credential_json(one) for one in found],
        ("Id", "Name", "Scopes", "Since"),
        [(one.credential_id, one.name, _scopes(one), to_iso(one.created_at)) for one in found],
        empty=f"{address} has no app password. "
        f"Next: postroad app-password create {address} --name NAME",
    )


@app.command
async def revoke(
    address: str, password_id: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT
) -> None:
    """Make an app password void.

    **Examples**

        postroad app-password revoke bob@example.org 01890a5d-ac96-774b-bcce-b302099a8057

    Parameters
    ----------
    password_id:
        As app-password list shows it.
    """
    async with invocation.program() as program:
        await program.accounts.revoke_app_password(address, password_id)
    invocation.output.result(
        {"id": password_id, "revoked": True},
        f"App password {password_id} of {address} is void now.",
    )


def credential_json(one: "Credential") -> dict[str, object]:
    return {
        "id": one.credential_id,
        "name": one.name,
        "scopes": sorted(one.scopes),
        "created_at": to_iso(one.created_at),
    }


def _scopes(one: "Credential") -> str:
    return ", ".join(sorted(one.scopes)) or "all"
