"""`postroad key`: API keys of programs."""

from typing import TYPE_CHECKING, Literal

from cyclopts import App

from postroad.base.errors import NotFound
from postroad.base.moments import to_iso
from postroad.cli.founding import only_tenant
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.model.directory import ApiKey

app = App(name="key", help="API keys of programs.")


@app.command
async def create(
    *,
    name: str,
    permission: Literal["full_access", "sending_access"] = "full_access",
    domain: str | None = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Make an API key, whose token is shown once.

    **Examples**

        postroad key create --name shop

        postroad key create --name news --permission sending_access --domain example.org

    Parameters
    ----------
    name:
        What it is for.
    permission:
        All of the API, or sending only.
    domain:
        The one domain that it may send from; without it, all of them.
    """
    from postroad.model.directory import KeyPermission

    async with invocation.program() as program:
        tenant = await only_tenant(program)
        domain_id = None if domain is None else (await program.domains.find(domain)).domain_id
        made, token = await program.keys.create(
            tenant.tenant_id, name, KeyPermission(permission), domain_id
        )
    invocation.output.result(
        {"id": made.key_id, "token": token.reveal()},
        f"API key for {made.name}: {token.reveal()}",
        "Keep it now: it is not shown again.",
        f"Back: postroad key revoke {made.key_id}",
    )


@app.command(name="list")
async def list_(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the API keys, newest first; their tokens are not kept.

    **Examples**

        postroad key list
    """
    async with invocation.program() as program:
        found = await program.keys.keys((await only_tenant(program)).tenant_id)
        names = {one.domain_id: one.name for one in await program.domains.domains(None)}
    invocation.output.table(
        [_json(one, names) for one in found],
        ("Id", "Name", "Permission", "Domain", "Since", "Last used"),
        [
            (
                one.key_id,
                one.name,
                one.permission.value,
                _domain(one, names) or "all",
                to_iso(one.created_at),
                "never" if one.last_used_at is None else to_iso(one.last_used_at),
            )
            for one in found
        ],
        empty="There is no API key. Next: postroad key create --name NAME",
    )


@app.command
async def revoke(key_id: str, /, *, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Make an API key void.

    **Examples**

        postroad key revoke 01890a5d-ac96-774b-bcce-b302099a8057

    Parameters
    ----------
    key_id:
        As key list shows it.
    """
    async with invocation.program() as program:
        tenant = await only_tenant(program)
        try:
            await program.keys.delete(tenant.tenant_id, key_id)
        except NotFound as error:
            raise NotFound(f"there is no API key {key_id}; see postroad key list") from error
    invocation.output.result({"id": key_id, "revoked": True}, f"API key {key_id} is void now.")


def _json(one: "ApiKey", names: dict[str, str]) -> dict[str, object]:
    return {
        "id": one.key_id,
        "name": one.name,
        "permission": one.permission.value,
        "domain": _domain(one, names),
        "created_at": to_iso(one.created_at),
        "last_used_at": None if one.last_used_at is None else to_iso(one.last_used_at),
    }


def _domain(one: "ApiKey", names: dict[str, str]) -> str | None:
    return None if one.domain_id is None else names.get(one.domain_id, one.domain_id)
