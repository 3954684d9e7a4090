"""`postroad undelete`: messages that were expunged and are still kept."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from postroad.base.errors import NotFound
from postroad.base.moments import Moment, after, to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.core.mailbox.undelete import Undelete
    from postroad.model.ids import MailboxId, MailboxName, Uid
    from postroad.model.undelete import KeptMessage, RestoredMessage

app = App(name="undelete", help="Messages that were expunged and are still kept.")

Mailbox = Annotated[
    str | None, Parameter(metavar="NAME", help="Only what was in the mailbox of that name.")
]
_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,10})", re.ASCII)


@app.command(name="list")
async def list_(
    address: str,
    /,
    *,
    mailbox: Mailbox = None,
    limit: int = 1000,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """List the messages that can be restored, expunged last first.

    **Examples**

        postroad undelete list bob@example.org

        postroad undelete list bob@example.org --mailbox Sent --json

    Parameters
    ----------
    address:
        The account.
    limit:
        At most so many messages.
    """
    async with invocation.program() as program:
        one = await program.accounts.find(address)
        found = await _undelete(program).kept(one.account_id, limit, mailbox=_name(mailbox))
    days = program.settings.mail.undelete_days
    invocation.output.table(
        [_kept_json(kept) for kept in found],
        ("Id", "Mailbox", "Expunged", "Received", "Octets", "Subject"),
        [
            (
                _id(kept.mailbox_id, kept.uid),
                kept.mailbox,
                to_iso(kept.expunged_at),
                to_iso(kept.internal_date),
                str(kept.size),
                kept.subject,
            )
            for kept in found
        ],
        empty=f"Nothing is kept for {one.address}. Expunged messages are kept for {days} days, "
        "and up to half of the quota.",
    )


@app.command
async def restore(
    address: str,
    /,
    *ids: Annotated[str, Parameter(metavar="ID")],
    all_since: Annotated[str | None, Parameter(metavar="DURATION")] = None,
    mailbox: Mailbox = None,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Bring messages back to their mailboxes, or to INBOX where such a mailbox is gone.

    They get new UIDs and count to the quota again.

    **Examples**

        postroad undelete restore bob@example.org 4.17 4.18

        postroad undelete restore bob@example.org --all-since 2h

    Parameters
    ----------
    address:
        The account.
    ids:
        As undelete list shows them.
    all_since:
        Everything that was expunged in the time before now, such as 90m, 2h or 3d.
    """
    if bool(ids) == (all_since is not None):
        raise WrongUsage("name either messages by their ids, or --all-since")
    if mailbox is not None and all_since is None:
        raise WrongUsage("--mailbox goes with --all-since")
    places = [_place(each) for each in dict.fromkeys(ids)]
    async with invocation.program() as program:
        account = (await program.accounts.find(address)).account_id
        undelete = _undelete(program)
        if all_since is None:
            restored = await undelete.restore(account, places)
        else:
            since = _since(program.clock.now(), all_since)
            restored = await undelete.restore_since(account, since, mailbox=_name(mailbox))
    if not restored:
        raise NotFound(f"none of that is kept; see postroad undelete list {address}")
    invocation.output.result(
        [_restored_json(each) for each in restored],
        *_told(restored),
        *(f"{_id(*place)} is not kept any more." for place in _missing(places, restored)),
    )


def _undelete(program: "Program") -> "Undelete":
    from postroad.core.mailbox.undelete import Undelete

    return Undelete(program.mail, program.bus)


def _name(mailbox: str | None) -> "MailboxName | None":
    from postroad.model.ids import mailbox_name

    return None if mailbox is None else mailbox_name(mailbox)


def _since(now: Moment, duration: str) -> Moment:
    from postroad.config.values import read_duration

    try:
        return after(now, -read_duration(duration))
    except ValueError as error:
        raise WrongUsage(f"--all-since: {error}") from error


def _place(text: str) -> "tuple[MailboxId, Uid]":
    from postroad.model.ids import MailboxId, Uid

    found = _ID.fullmatch(text)
    if found is None:
        raise WrongUsage(f"{text} is no id such as 4.17; see postroad undelete list")
    return MailboxId(int(found[1])), Uid(int(found[2]))


def _id(mailbox: int, uid: int) -> str:
    return f"{mailbox}.{uid}"


def _missing(
    places: "Sequence[tuple[MailboxId, Uid]]", restored: "Sequence[RestoredMessage]"
) -> "list[tuple[MailboxId, Uid]]":
    there = {(each.mailbox_id, each.uid) for each in restored}
    return [place for place in places if place not in there]


def _told(restored: "Sequence[RestoredMessage]") -> list[str]:
    counts: dict[str, int] = {}
    for each in restored:
        counts[each.target] = counts.get(each.target, 0) + 1
    return [f"{count} restored to {name}." for name, count in counts.items()]


def _kept_json(kept: "KeptMessage") -> dict[str, object]:
    from postroad.model.mailbox import Flags

    return {
        "id": _id(kept.mailbox_id, kept.uid),
        "mailbox": kept.mailbox,
        "expunged_at": to_iso(kept.expunged_at),
        "received_at": to_iso(kept.internal_date),
        "octets": kept.size,
        "subject": kept.subject,
        "preview": kept.preview,
        "flags": [
            f"\\{(flag.name or '').capitalize()}" for flag in Flags if flag and flag in kept.flags
        ],
        "keywords": sorted(kept.keywords),
    }


def _restored_json(each: "RestoredMessage") -> dict[str, object]:
    return {
        "id": _id(each.mailbox_id, each.uid),
        "mailbox": each.target,
        "uid": int(each.new_uid),
    }
