"""`postroad backup restore --account`: what an account has lost comes back beside the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypedDict

import pytest

from cli.conftest import Command
from postroad.app.program import Program, open_program
from postroad.base.moments import Moment
from postroad.config.loader import load
from postroad.core.message.prepared import new_email, parse
from postroad.model.ids import BlobId, MailboxName, Uid
from postroad.model.mailbox import BlobRange, Column, FlagAction, FlagChange, Flags

ALICE = "alice@example.test"
DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
DATE = Moment(1_700_000_000_000_000)


class Message(TypedDict):
    """As it lies in a mailbox."""

    octets: bytes
    flags: Flags
    keywords: frozenset[str]
    internal_date: Moment


def _octets(subject: str) -> bytes:
    return f"From: <a@b.example>\r\nSubject: {subject}\r\n\r\nAbout {subject}.\r\n".encode()


async def _append(program: Program, mailbox: str, subjects: Sequence[str]) -> None:
    account = (await program.accounts.find(ALICE)).account_id
    box = await program.mail.find_mailbox(account, MailboxName(mailbox))
    assert box is not None
    for subject in subjects:
        octets = _octets(subject)
        blob = await program.blobs.put([octets])
        email = new_email(await parse(octets, program.tasks), blob, DATE, None)
        flags = Flags.SEEN | Flags.FLAGGED
        await program.mail.append(account, box.mailbox_id, [(email, flags, frozenset({"$a"}))])


async def _remove(program: Program, mailbox: str, uids: Sequence[int]) -> None:
    account = (await program.accounts.find(ALICE)).account_id
    box = await program.mail.find_mailbox(account, MailboxName(mailbox))
    assert box is not None
    gone = [Uid(uid) for uid in uids]
    await program.mail.store_flags(account, box.mailbox_id, gone, DELETED)
    await program.mail.expunge(account, box.mailbox_id, None)


async def _messages(program: Program) -> dict[str, list[Message]]:
    """All of them, by mailbox."""
    account = (await program.accounts.find(ALICE)).account_id
    found: dict[str, list[Message]] = {}
    for box in await program.mail.mailboxes(account):
        _, placed = await program.mail.placements(account, box.mailbox_id)
        columns = [Column.BLOB_ID, Column.SIZE, Column.INTERNAL_DATE]
        uids = [Uid(uid) for uid in placed.uids]
        rows = await program.mail.rows(account, box.mailbox_id, uids, columns)
        for row, look in zip(rows, placed.looks, strict=True):
            _, blob, size, date = row
            assert isinstance(blob, bytes)
            assert isinstance(size, int)
            assert isinstance(date, int)
            [octets] = await program.blobs.read([BlobRange(BlobId(blob), 0, size)])
            flags, keywords = placed.combinations[look]
            message = Message(
                octets=octets,
                flags=Flags(flags),
                keywords=frozenset(keywords.split()),
                internal_date=Moment(date),
            )
            found.setdefault(box.name, []).append(message)
    return found


def _with(work: Callable[[Program], Awaitable[object]]) -> object:
    async def run() -> object:
        async with open_program(load(Path("postroad.yaml"), {})) as program:
            return await work(program)

    return asyncio.run(run())


@pytest.fixture
def lost(command: Command) -> tuple[Command, str]:
    """A backup of three messages in INBOX and two in Sent, of which INBOX then lost two.

    One of the others is there again as another copy, and one that is new has come.
    """

    async def fill(program: Program) -> None:
        await _append(program, "INBOX", ["one", "two", "three"])
        await _append(program, "Sent", ["four", "five"])

    async def lose(program: Program) -> None:
        await _remove(program, "INBOX", [1, 2])
        await _remove(program, "Sent", [1])
        await _append(program, "Archive", ["two"])
        await _append(program, "INBOX", ["six"])

    _with(fill)
    assert command("backup", "create", "--to", "kept").code == 0
    [made] = command("backup", "list", "--to", "kept", "--json").json
    _with(lose)
    return command, f"Restored {made['created_at'][:10]}"


def _subjects() -> dict[str, list[str]]:
    messages = _with(_messages)
    assert isinstance(messages, dict)
    return {
        name: [one["octets"].split(b"Subject: ")[1].split(b"\r\n")[0].decode() for one in some]
        for name, some in messages.items()
    }


def test_what_was_lost_comes_back(lost: tuple[Command, str]) -> None:
    command, folder = lost
    done = command("backup", "restore", "--from", "kept", "--account", ALICE, "--json")
    assert done.code == 0, done.err
    assert done.json["mailboxes"] == {f"{folder}/INBOX": 1, f"{folder}/Sent": 1}
    assert (done.json["messages"], done.json["there"], done.json["missing"]) == (2, 3, 0)
    assert _subjects() == {
        "Archive": ["two"],
        "INBOX": ["three", "six"],
        "Sent": ["five"],
        f"{folder}/INBOX": ["one"],
        f"{folder}/Sent": ["four"],
    }
    messages = _with(_messages)
    assert isinstance(messages, dict)
    assert messages[f"{folder}/INBOX"] == [
        Message(
            octets=_octets("one"),
            flags=Flags.SEEN | Flags.FLAGGED,
            keywords=frozenset({"$a"}),
            internal_date=DATE,
        )
    ]
    assert command("verify").code == 0
    assert not list(Path("data").glob("restore-*"))


def test_twice_brings_nothing_more(lost: tuple[Command, str]) -> None:
    command, _ = lost
    command("backup", "restore", "--from", "kept", "--account", ALICE)
    before = _subjects()
    again = command("backup", "restore", "--from", "kept", "--account", ALICE)
    assert again.code == 0
    assert "0 messages came back" in again.out
    assert "5 were there and stay as they are" in again.out
    assert _subjects() == before


def test_one_mailbox(lost: tuple[Command, str]) -> None:
    command, folder = lost
    words = ("backup", "restore", "--from", "kept", "--account", ALICE, "--mailbox")
    assert command(*words, "inbox", "--json").json["mailboxes"] == {f"{folder}/INBOX": 1}
    assert f"{folder}/Sent" not in _subjects()
    refused = command(*words, "Nowhere")
    assert (refused.code, "has no mailbox Nowhere" in refused.err) == (1, True)


def test_a_full_account_is_told_so(lost: tuple[Command, str]) -> None:
    command, folder = lost
    room = sum(len(_octets(name)) for some in _subjects().values() for name in some)
    enough = [room + len(_octets("one")), room + len(_octets("one")) + len(_octets("four"))]
    assert command("account", "quota", ALICE, str(enough[0])).code == 0
    words = ("backup", "restore", "--from", "kept", "--account", ALICE)
    full = command(*words)
    assert full.code == 1
    assert "1 messages came back before that. Raise the quota" in full.err
    assert command("account", "quota", ALICE, str(enough[1])).code == 0
    assert command(*words).code == 0
    subjects = _subjects()
    assert subjects[f"{folder}/INBOX"] + subjects[f"{folder}/Sent"] == ["one", "four"]


@pytest.mark.parametrize("how", ["damaged", "missing"])
def test_what_the_store_has_lost_comes_back(lost: tuple[Command, str], how: str) -> None:
    command, folder = lost
    for segment in Path("data/blobs").glob("*.seg"):
        octets = segment.read_bytes()
        if b"About three." not in octets:
            continue
        if how == "missing":
            segment.unlink()
        else:
            segment.write_bytes(octets.replace(b"About three.", b"About thrice"))
    assert command("verify").code == 1
    done = command("backup", "restore", "--from", "kept", "--account", ALICE, "--json")
    assert done.code == 0, done.err
    assert f"{folder}/INBOX" in done.json["mailboxes"]
    again = command("backup", "restore", "--from", "kept", "--account", ALICE, "--json")
    assert again.json["messages"] == 0
    names = list((Path("data/blobs")).glob("*.seg"))
    assert any(b"About three." in segment.read_bytes() for segment in names)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--account", "nobody@example.test"), 1, "nobody@example.test"),
        (("--account", ALICE, "--into", "there"), 2, "--into makes a data folder"),
        (("--mailbox", "INBOX"), 2, "--mailbox goes with --account"),
        (("20200101T000000Z-000000", "--account", ALICE), 1, "there is no backup 20200101"),
        (("../../x", "--account", ALICE), 1, "there is no backup"),
    ],
)
def test_refused(lost: tuple[Command, str], words: tuple[str, ...], code: int, why: str) -> None:
    command, _ = lost
    before = _subjects()
    refused = command("backup", "restore", "--from", "kept", *words)
    assert refused.code == code
    assert why in refused.err
    assert _subjects() == before
    assert not Path("there").exists()


def test_who_came_later_is_in_no_backup(lost: tuple[Command, str]) -> None:
    command, _ = lost
    command("account", "add", "late@example.test", "--password-stdin", stdin="long-enough-42\n")
    refused = command("backup", "restore", "--from", "kept", "--account", "late@example.test")
    assert refused.code == 1
    assert "late@example.test is not in backup" in refused.err
