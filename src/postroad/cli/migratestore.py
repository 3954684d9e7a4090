"""`postroad migrate-store`: to another database, while the server runs."""

from typing import Annotated

from cyclopts import Parameter

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage
from postroad.cli.output import counted
from postroad.cli.progress import Progress


async def migrate_store(
    *,
    to: Annotated[str, Parameter(metavar="URL")] = "",
    stay: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Copy everything to another database and let nobody write to the old one any more.

    The server may run meanwhile. At the end it can only be read until it is started with the new
    `storage.metadata`; clients that bring mail in between are told to come again. A move that was
    broken off goes on where it was when the command is repeated.

    **Examples**

        postroad migrate-store --to postgres://postroad:SECRET@db1.example.org/postroad

        postroad migrate-store --to sqlite:postroad.db --config the-old.yaml

        postroad migrate-store --stay

    Parameters
    ----------
    to:
        An empty database, as `storage.metadata` names it.
    stay:
        Give up a move, or use the old database again, without what came to the new one since.
    """
    from postroad.app.moving import migrate_store as move
    from postroad.app.moving import stay as give_up

    if stay == bool(to):
        raise WrongUsage("say where --to, or --stay")
    settings = invocation.settings()
    if stay:
        gone = await give_up(settings)
        invocation.output.result(
            {"was_moved_to": gone},
            "The database of the settings is the one in use." if gone else "Nothing was moved.",
        )
        return
    progress = Progress(quiet=invocation.json)
    moved = await move(settings, to, progress)
    progress.end()
    invocation.output.result(
        {"rows": moved.rows, "accounts": moved.accounts, "to": moved.to},
        f"Moved {counted(moved.accounts, 'account')} with {counted(moved.rows, 'row')} to "
        f"{moved.to}; every row was compared.",
        "Nobody can write to the old database any more. Next: set storage.metadata to the new one "
        "and restart the server.",
    )
