"""`postroad init`: a data folder with its first domain, admin and API key."""

from postroad.cli.dns import record_json, zone_lines
from postroad.cli.founding import Founded, found, publishing
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation
from postroad.cli.passwords import read_piped_password


async def init(
    *,
    domain: str,
    admin: str,
    password_stdin: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Make the data folder, the first domain, its admin and an API key.

    It may be repeated: what is there stays as it is, and no secret is made or shown again.

    **Examples**

        postroad init --domain example.org --admin alice@example.org

        postroad init --domain example.org --admin alice@example.org --password-stdin < FILE

    Parameters
    ----------
    domain:
        The first domain that mail is received for.
    admin:
        The address of the first account, which owns the tenant.
    password_stdin:
        Read the admin's password from stdin instead of making one.
    """
    from postroad.app.program import initialise, open_program

    password = read_piped_password() if password_stdin else None
    settings = invocation.settings()
    await initialise(settings)
    async with open_program(settings) as program:
        founded = await found(program, domain, admin, password)
    output = invocation.output
    output.result(_json(founded), *_text(founded))
    if founded.password is None:
        output.note(
            f"Note: {founded.admin} was there before, with its password. "
            f"A new one: postroad account passwd {founded.admin}"
        )
    if founded.api_key is None:
        output.note(
            "Note: the first API key was made before. Another one: postroad key create --name NAME"
        )


def _json(founded: Founded) -> dict[str, object]:
    return {
        "tenant": founded.tenant,
        "domain": founded.domain,
        "admin": founded.admin,
        "password": None if founded.password is None else founded.password.reveal(),
        "api_key": None if founded.api_key is None else founded.api_key.reveal(),
        "dns": [record_json(record) for record in founded.dns],
    }


def _text(founded: Founded) -> list[str]:
    lines = [f"Domain    {founded.domain}", f"Admin     {founded.admin}"]
    if founded.password is not None:
        lines.append(f"Password  {founded.password.reveal()}")
    if founded.api_key is not None:
        lines.append(f"API key   {founded.api_key.reveal()}")
    if founded.password is not None or founded.api_key is not None:
        lines.append("Keep these secrets now: they are not shown again.")
    return [
        *lines,
        "",
        publishing(founded.domain),
        *zone_lines(founded.dns),
        "",
        "Next: postroad serve",
    ]
