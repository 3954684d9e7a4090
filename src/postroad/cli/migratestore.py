"""`postroad migrate-store`: to another database, while the server runs."""

from typing import Annotated

from cyclopts import Parameter

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage
from postroad.cli.output import counted
from postroad.cli.progress import Progress


async def migrate_store(
    *,
    to: Annotated[str, Parameter(metavar="URL")] = "",
    blobs: Annotated[str, Parameter(metavar="URL")] = "",
    stay: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Copy everything to another database and let nobody write to the old one any more.

    The server may run meanwhile. At the end it can only be read until it is started with the new
    `storage.metadata`; clients that bring mail in between are told to come again. A move that was
    broken off goes on where it was when the command is repeated.

    **Examples**

        postroad migrate-store --to postgres://postroad:SECRET@db1.example.org/postroad

        postroad migrate-store --to postgres://db1/postroad --blobs s3://mail?region=eu-west-1

        postroad migrate-store --to sqlite:again.db --blobs segments:again

        postroad migrate-store --stay

    Parameters
    ----------
    to:
        An empty database, as `storage.metadata` names it.
    blobs:
        An empty place for the octets of messages, as `storage.blobs` names it; without it they
        stay where they are.
    stay:
        Give up a move, or use the old database again, without what came to the new one since.
    """
    from postroad.app.moving import migrate_store as move
    from postroad.app.moving import stay as give_up

    if stay == bool(to) or (blobs and not to):
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
    moved = await move(settings, to, blobs, progress)
    progress.end()
    invocation.output.result(
        {
            "accounts": moved.accounts,
            "rows": moved.rows,
            "blobs": moved.blobs,
            "to": moved.to,
        },
        f"Moved {counted(moved.accounts, 'account')} with {counted(moved.rows, 'row')} to "
        f"{moved.to}; every row was compared.",
        *(
            [f"Moved {counted(moved.blobs, 'message')} to the new store of blobs."]
            if blobs
            else []
        ),
        "Nobody can write to the old database any more. Next: set storage.metadata "
        f"{'and storage.blobs ' if blobs else ''}to the new one and restart the server.",
    )
