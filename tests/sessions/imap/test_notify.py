"""NOTIFY where there is too much to be told, and what a session listens to (RFC 5465)."""

from pathlib import Path

import pytest

from postroad.sessions.imap import news
from postroad.sessions.imap.commands import notify
from sessions.imap.neighbours import Neighbours

WATCH = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge MailboxName))"


@pytest.fixture
async def world(tmp_path: Path) -> Neighbours:
    return await Neighbours(tmp_path).move_in()


async def test_too_many_mailboxes_are_refused(
    world: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_MAX_WATCHED", 1)
    assert (await world.ask("1", WATCH)).startswith("a NO [NOTIFICATIONOVERFLOW]")
    assert not world.sessions["1"].listens_to


async def test_too_much_news_end_it(world: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "_MAX_NEWS", 2)
    await world.ask("1", WATCH)
    for name in ("one", "two"):
        await world.prepare(f"mailbox alice@example.test {name}")
    assert (await world.ask("1", "b NOOP")).count("* LIST") == 2
    for name in ("3", "4", "5"):
        await world.prepare(f"mailbox alice@example.test {name}")
    assert "* OK [NOTIFICATIONOVERFLOW]" in await world.ask("1", "c NOOP")
    assert not world.sessions["1"].listens_to
    await world.prepare("mailbox alice@example.test more")
    assert (await world.ask("1", "d NOOP")).startswith("d OK")


async def test_whom_a_session_listens_to(world: Neighbours) -> None:
    alice = world.people["alice@example.test"].account_id
    bob = world.people["bob@example.test"].account_id
    await world.ask("2", "a NOOP")
    session = world.sessions["2"]
    assert session.listens_to == set()
    await world.ask("2", "b NOTIFY SET (SELECTED (MessageNew MessageExpunge))")
    assert session.listens_to == set()
    await world.ask("2", "c SELECT INBOX")
    assert session.listens_to == {bob}
    await world.prepare("acl alice@example.test INBOX bob@example.test lr")
    await world.ask("2", 'd NOTIFY SET (SUBTREE "Other Users" (MailboxName))')
    assert session.listens_to == {bob, alice}
    await world.ask("2", "e UNAUTHENTICATE")
    assert session.listens_to == set()


async def test_nothing_is_said_in_the_middle_of_a_message(world: Neighbours) -> None:
    await world.ask("1", WATCH)
    await world.ask("1", "b APPEND Sent {5}")
    await world.prepare("mailbox alice@example.test new")
    assert (await world.send("2", b"a NOOP\r\n"))["1"] == b""
    answer = await world.ask("1", "abcde")
    assert answer.index("* LIST (") < answer.index("b OK")


async def test_new_messages_are_fetched_by_uid_alone(world: Neighbours) -> None:
    for command in (
        "a ENABLE UIDONLY",
        "b SELECT INBOX",
        "c NOTIFY SET (SELECTED (MessageNew (UID FLAGS BINARY.PEEK[1]) MessageExpunge))",
    ):
        assert " OK" in await world.ask("1", command)
    await world.prepare("message alice@example.test INBOX small")
    told = (await world.send("2", b"a NOOP\r\n"))["1"].decode()
    assert "* 1 EXISTS" in told
    assert "* 1 UIDFETCH (FLAGS (" in told
