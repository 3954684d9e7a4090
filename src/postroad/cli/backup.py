"""`postroad backup`: everything that is kept, in a second place, and back from there."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.app.restoring import Restored
    from postroad.core.backup.manifest import Manifest

app = App(name="backup", help="Everything that is kept, in a second place, and back from there.")

To = Annotated[str, Parameter(metavar="TARGET", help="The folder with the backups.")]


@app.command
async def create(*, to: To, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """Make a backup. The server may run meanwhile; what the folder has is not copied again.

    Everything is sealed with the master key, which is **not** in it: keep a copy of it elsewhere.

    **Examples**

        postroad backup create --to /backup/postroad

        postroad backup create --to /backup/postroad --json
    """
    from postroad.app.backups import create_backup, open_archive

    progress = Progress(quiet=invocation.json)
    archive = open_archive(to)
    async with invocation.program() as program:
        made = await create_backup(program, archive, progress)
    progress.end()
    invocation.output.result(
        manifest_json(made),
        f"Backup {made.backup_id}: {_octets(made.database_octets)} of database and "
        f"{made.blobs} messages of {_octets(made.blob_octets)}; "
        f"{_octets(made.new_octets)} were new.",
        "The master key is not in it. Without that key nobody can restore it: keep a copy apart.",
    )
    if made.unreadable:
        invocation.output.note(
            f"{len(made.unreadable)} messages could not be read and are not in it. "
            "Run postroad verify to see which."
        )
    return 1 if made.unreadable else 0


@app.command(name="list")
async def list_(*, to: To, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """List the backups, oldest first.

    **Examples**

        postroad backup list --to /backup/postroad
    """
    from postroad.app.backups import list_backups, open_archive

    found = await list_backups(invocation.settings(), open_archive(to))
    invocation.output.table(
        [manifest_json(one) for one in found],
        ("Id", "Made", "Messages", "Of", "Database", "New"),
        [
            (
                one.backup_id,
                to_iso(one.moment),
                str(one.blobs),
                _octets(one.blob_octets),
                _octets(one.database_octets),
                _octets(one.new_octets),
            )
            for one in found
        ],
        empty=f"There are no backups in {to} yet. Make one: postroad backup create --to {to}",
    )


@app.command
async def restore(
    backup_id: Annotated[str | None, Parameter(metavar="ID")] = None,
    /,
    *,
    from_: Annotated[
        str, Parameter(name="--from", metavar="TARGET", help="The folder with the backups.")
    ],
    into: Annotated[Path | None, Parameter(metavar="DATA_DIR")] = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> int:
    """Make a data folder from a backup, the newest unless another is named.

    The folder must be empty but for `master.key`, which has to be there first (or in
    `POSTROAD_MASTER_KEY`). Mail that waited to be sent is held, as it may have been sent since.

    **Examples**

        postroad backup restore --from /backup/postroad --into /var/lib/postroad

        postroad backup restore 20261120T030000Z-5f3a9c --from /backup/postroad

    Parameters
    ----------
    backup_id:
        As backup list shows it.
    into:
        The data folder to make; otherwise that of the settings.
    """
    from postroad.app.backups import open_archive
    from postroad.app.restoring import restore_backup

    progress = Progress(quiet=invocation.json)
    settings = invocation.settings()
    chosen, done = await restore_backup(settings, open_archive(from_), backup_id, into, progress)
    progress.end()
    folder = into or settings.data_dir
    invocation.output.result(
        {"backup": chosen, "data_dir": str(folder), **_restored_json(done)},
        f"Backup {chosen} restored into {folder}: {done.accounts} accounts, "
        f"{done.mailboxes} mailboxes, {done.messages} messages.",
        "All clients will read their mailboxes anew.",
        *_of_held(done),
    )
    if done.missing:
        invocation.output.note(f"{done.missing} messages were not in the backup.")
    return 1 if done.missing else 0


class Progress:
    """A line on the terminal that is written over; nothing where stderr is none."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._shown = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        line = f"{what} {100 * done // total if total else 100} %"
        if self._quiet or line == self._shown:
            return
        print(f"\r{line:<{len(self._shown)}}", end="", file=sys.stderr, flush=True)
        self._shown = line

    def end(self) -> None:
        """Wipe the line."""
        if self._shown:
            print(f"\r{'':<{len(self._shown)}}\r", end="", file=sys.stderr, flush=True)
            self._shown = ""


def manifest_json(one: "Manifest") -> dict[str, object]:
    return {
        "id": one.backup_id,
        "created_at": to_iso(one.moment),
        "messages": one.blobs,
        "message_octets": one.blob_octets,
        "database_octets": one.database_octets,
        "new_pieces": one.new_pieces,
        "new_octets": one.new_octets,
        "unreadable": one.unreadable,
    }


def _restored_json(done: "Restored") -> dict[str, object]:
    return {
        "accounts": done.accounts,
        "mailboxes": done.mailboxes,
        "messages": done.messages,
        "held": done.held,
        "missing": done.missing,
    }


def _of_held(done: "Restored") -> list[str]:
    if not done.held:
        return []
    return [
        f"{done.held} recipients are held, as they may have got their mail since. "
        "See postroad queue list, then postroad queue release or cancel."
    ]


def _octets(count: int) -> str:
    """Such as 12.3 MB."""
    size, units = float(count), ["octets", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{count} octets" if units[0] == "octets" else f"{size:.1f} {units[0]}"
