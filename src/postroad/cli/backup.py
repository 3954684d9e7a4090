"""`postroad backup`: everything that is kept, in a second place, and back from there."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage
from postroad.cli.output import counted
from postroad.cli.progress import Progress
from postroad.cli.verify import Fault, fault_json, fault_lines, faults_of

if TYPE_CHECKING:
    from postroad.app.archives import Choice, Verified
    from postroad.app.restoring import Restored
    from postroad.core.backup.manifest import Manifest
    from postroad.ports.archive import Archive

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
        f"{counted(made.blobs, 'message')} of {_octets(made.blob_octets)}; "
        f"{_octets(made.new_octets)} were new.",
        "The master key is not in it. Without that key nobody can restore it: keep a copy apart.",
    )
    if made.unreadable:
        invocation.output.note(
            f"{counted(len(made.unreadable), 'message')} could not be read and are not in it. "
            "Run postroad verify to see which."
        )
    return 1 if made.unreadable else 0


@app.command(name="list")
async def list_(*, to: To, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """List the backups, oldest first.

    **Examples**

        postroad backup list --to /backup/postroad
    """
    from postroad.app.backups import list_backups, open_archive

    found, faults = await list_backups(invocation.settings(), open_archive(to))
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
    for fault in faults:
        invocation.output.note(f"DAMAGED {fault}")
    return 1 if faults else 0


@app.command
async def restore(
    backup_id: Annotated[str | None, Parameter(metavar="ID")] = None,
    /,
    *,
    from_: Annotated[
        str, Parameter(name="--from", metavar="TARGET", help="The folder with the backups.")
    ],
    into: Annotated[Path | None, Parameter(metavar="DATA_DIR")] = None,
    account: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    mailbox: Annotated[str | None, Parameter(metavar="NAME")] = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> int:
    """Bring everything back into an empty data folder, or an account's messages into its own.

    A folder must hold nothing but `master.key`, which has to be there first (or in
    `POSTROAD_MASTER_KEY`). Mail that waited to be sent is held, as it may have been sent since.

    With `--account` the server may run. Messages that the account does not have any more come into
    `Restored DATE/...` with their flags and dates.

    **Examples**

        postroad backup restore --from /backup/postroad --into /var/lib/postroad

        postroad backup restore 20261120T030000Z-482913 --from /backup/postroad

        postroad backup restore --from /backup/postroad --account bob@example.org --mailbox Sent

    Parameters
    ----------
    backup_id:
        As backup list shows it.
    into:
        The data folder to make; otherwise that of the settings.
    account:
        Only the messages of this account, into the data folder as it is.
    mailbox:
        Only those that were in the mailbox of that name.
    """
    from postroad.app.backups import open_archive
    from postroad.app.restoring import restore_backup

    progress = Progress(quiet=invocation.json)
    if account is not None and into is not None:
        raise WrongUsage("--into makes a data folder, --account uses the one that is there")
    if mailbox is not None and account is None:
        raise WrongUsage("--mailbox goes with --account")
    if account is not None:
        archive = open_archive(from_)
        return await _return(invocation, archive, backup_id, account, mailbox, progress)
    settings = invocation.settings()
    chosen, done = await restore_backup(settings, open_archive(from_), backup_id, into, progress)
    progress.end()
    folder = into or settings.data_dir
    invocation.output.result(
        {"backup": chosen, "data_dir": str(folder), **_restored_json(done)},
        f"Backup {chosen} restored into {folder}: {done.accounts} accounts, "
        f"{counted(done.mailboxes, 'mailbox', 'mailboxes')}, {counted(done.messages, 'message')}.",
        "All clients will read their mailboxes anew.",
        *_of_held(done),
    )
    return _told_missing(invocation, done.missing, done.damaged)


@app.command
async def verify(
    target: Annotated[str, Parameter(metavar="TARGET")],
    backup_id: Annotated[str | None, Parameter(metavar="ID")] = None,
    /,
    *,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> int:
    """Read every octet, restore the newest backup into a folder of its own, and verify that.

    The folder is removed afterwards; it takes as much room as the data.

    **Examples**

        postroad backup verify /backup/postroad

        postroad backup verify /backup/postroad 20261120T030000Z-482913 --json

    Parameters
    ----------
    target:
        The folder with the backups.
    backup_id:
        Only this backup, which is then the one that is restored.
    """
    from postroad.app.archives import verified
    from postroad.app.backups import open_archive

    progress = Progress(quiet=invocation.json)
    archive = open_archive(target)
    async with verified(invocation.settings(), archive, backup_id, progress) as (found, program):
        faults = _faults_of_pieces(found)
        if program is not None:
            faults += (await faults_of(program))[1]
    progress.end()
    value = {
        "ok": not faults,
        "backups": found.backups,
        "pieces": found.checked.pieces,
        "restored": None if found.restored is None else found.tried,
        "faults": [fault_json(one) for one in faults],
    }
    invocation.output.result(value, *fault_lines(faults), _verdict(found, len(faults)))
    return 1 if faults else 0


@app.command
async def prune(
    *,
    to: To,
    keep: Annotated[int | None, Parameter(metavar="N")] = None,
    older_than: Annotated[str | None, Parameter(metavar="DURATION")] = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Remove old backups, and what no other backup needs. The newest always stays.

    **Examples**

        postroad backup prune --to /backup/postroad --keep 30

        postroad backup prune --to /backup/postroad --older-than 90d

    Parameters
    ----------
    keep:
        Remove all but the newest so many.
    older_than:
        Remove those that are older, such as 36h or 90d.
    """
    from postroad.app.archives import prune_archive
    from postroad.app.backups import open_archive

    choose = _choice(keep, older_than)
    done = await prune_archive(invocation.settings(), open_archive(to), choose)
    invocation.output.result(
        {
            "removed": done.removed,
            "kept": done.kept,
            "removed_pieces": done.pieces,
            "freed_octets": done.octets,
        },
        *(f"Removed {one}." for one in done.removed),
        f"{len(done.removed)} backups removed, {len(done.kept)} kept, "
        f"{_octets(done.octets)} freed.",
    )


def _choice(keep: int | None, older: str | None) -> "Choice":
    """Raises `WrongUsage`."""
    from postroad.adapters.system.clock import SystemClock
    from postroad.base.moments import after
    from postroad.config.values import read_duration
    from postroad.core.backup.pruning import all_but_newest, older_than

    if (keep is None) == (older is None):
        raise WrongUsage("say either --keep N or --older-than DURATION")
    if keep is not None:
        if keep < 1:
            raise WrongUsage("--keep is at least 1")
        return lambda backups: all_but_newest(backups, keep)
    try:
        moment = after(SystemClock().now(), -read_duration(older or ""))
    except ValueError as error:
        raise WrongUsage(f"--older-than: {error}") from error
    return lambda backups: older_than(backups, moment)


async def _return(
    invocation: Invocation,
    archive: "Archive",
    backup_id: str | None,
    address: str,
    mailbox: str | None,
    progress: Progress,
) -> int:
    from postroad.app.archives import restore_account
    from postroad.model.ids import mailbox_name

    name = None if mailbox is None else mailbox_name(mailbox)
    async with invocation.program() as program:
        chosen, done, damaged = await restore_account(
            program, archive, backup_id, address, name, progress
        )
    progress.end()
    invocation.output.result(
        {
            "backup": chosen,
            "account": address,
            "messages": done.messages,
            "mailboxes": done.mailboxes,
            "there": done.there,
            "missing": done.missing,
        },
        *(f"{count} came back into {name}." for name, count in done.mailboxes.items()),
        f"{counted(done.messages, 'message')} came back from backup {chosen}; "
        f"{done.there} were there and stay as they are.",
    )
    return _told_missing(invocation, done.missing, damaged)


def _told_missing(invocation: Invocation, missing: int, damaged: Sequence[str]) -> int:
    for one in damaged:
        invocation.output.note(f"DAMAGED {one}")
    if missing:
        invocation.output.note(
            f"{counted(missing, 'message')} could not be restored. An older backup may have them."
        )
    return 1 if missing or damaged else 0


def _faults_of_pieces(found: "Verified") -> list[Fault]:
    return [
        Fault(
            f"backups {', '.join(sorted(backups))}",
            what,
            "Move that file away: the next backup stores it again if its content is still there.",
        )
        for what, backups in found.checked.faults.items()
    ]


def _verdict(found: "Verified", faults: int) -> str:
    read = (
        f"{counted(len(found.backups), 'backup')} of {counted(found.checked.pieces, 'piece')} read"
    )
    if found.restored is None:
        return f"{read}; {found.tried} is damaged and was not restored. {faults} faults found."
    tried = f"{found.tried} restored for a try with {counted(found.restored.messages, 'message')}"
    if faults:
        return f"{read}, {tried}: {faults} faults found."
    return f"All is whole: {read}, {tried}."


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
        "damaged": done.damaged,
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
