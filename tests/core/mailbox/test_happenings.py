"""What happens to messages passes one place, whichever command did it (RFC 6785 section 2.2)."""

import logging
from pathlib import Path

import pytest

from postroad.core.mailbox.happenings import Cause, Happening, Happenings
from postroad.model.ids import MailboxName
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.ports.counters import Counter, Counters
from sessions.imap.neighbours import Neighbours

ALICE, BOB = "alice@example.test", "bob@example.test"
Told = tuple[str, str, str, list[int], list[str]]


class Counting(Counters):
    def __init__(self) -> None:
        self.counted: list[tuple[Counter, str, int]] = []

    def count(self, counter: Counter, label: str, amount: int = 1) -> None:
        self.counted.append((counter, label, amount))


class Recorded(Happenings):
    """Remembers who did what, where, to which messages, and to which flags."""

    def __init__(self, world: Neighbours) -> None:
        self.counters = Counting()
        super().__init__(world.bus, self.counters)
        self._people = {account.account_id: name for name, account in world.people.items()}
        self._told: list[Told] = []

    def happened(self, happening: Happening) -> None:
        super().happened(happening)
        place = happening.place
        uids = [int(uid) for uid in happening.uids]
        who, flags = self._people[place.actor].partition("@")[0], happening.changed_flags()
        if uids:
            self._told.append((who, happening.cause.value, place.name, uids, flags))

    def told(self) -> list[Told]:
        told, self._told = self._told, []
        return told


@pytest.fixture
async def world(tmp_path: Path) -> Neighbours:
    world = await Neighbours(tmp_path).move_in()
    for flags in ("seen", "flagged", ""):
        await world.prepare(f"message {ALICE} INBOX small {flags}")
    await world.prepare(f"acl {ALICE} INBOX {BOB} lrswite")
    return world


@pytest.fixture
def recorded(world: Neighbours) -> Recorded:
    recorded = Recorded(world)
    world.services.mailboxes._happenings = world.services.appending._happenings = recorded
    return recorded


async def test_each_way_to_touch_a_message(world: Neighbours, recorded: Recorded) -> None:
    await world.ask("1", "a SELECT INBOX")
    await world.ask("1", "a APPEND Sent {1+}\r\na {1+}\r\nb")
    await world.ask("1", "a COPY 1:2 Sent")
    assert recorded.told() == [
        ("alice", "APPEND", "Sent", [1, 2], []),
        ("alice", "COPY", "Sent", [3, 4], []),
    ]
    await world.ask("1", "a STORE 1:3 +FLAGS (\\Seen $x)")
    await world.ask("1", "a STORE 1:3 +FLAGS (\\Seen)")  # changes nothing
    await world.ask("1", "a FETCH 1 BODY[TEXT]")  # was seen
    await world.ask("1", "a STORE 3 -FLAGS.SILENT (\\Seen)")
    await world.ask("1", "a FETCH 2:3 BODY[TEXT]")
    told = recorded.told()
    # A store in memory does not tell what became of each, so these are the flags that were named.
    assert ("alice", "FLAG", "INBOX", [1, 2, 3], ["$x", "\\Seen"]) in told
    assert told[-2:] == [
        ("alice", "FLAG", "INBOX", [3], ["\\Seen"]),
        ("alice", "FLAG", "INBOX", [3], ["\\Seen"]),
    ]
    # A move puts messages there as a copy does, in slices here.
    await world.ask("1", "a MOVE 1:3 Sent")
    moved = recorded.told()
    assert [(cause, name) for _, cause, name, _, _ in moved] == [("COPY", "Sent")] * len(moved)
    assert [uid for each in moved for uid in each[3]] == [5, 6, 7]
    await world.ask("1", "a REPLACE 1 INBOX {1+}\r\nx")  # there is no message 1 any more
    await world.ask("1", "a COPY 1 Nowhere")
    await world.ask("1", "a EXPUNGE")
    assert recorded.told() == []


async def test_who_did_it_and_what_is_counted(
    world: Neighbours, recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"Other Users/{ALICE}/INBOX"
    with caplog.at_level(logging.INFO):
        await world.ask("2", f'a SELECT "{name}"')
        await world.ask("2", "a STORE 1 +FLAGS ($y)")
        await world.ask("2", f'a COPY 1:2 "{name}"')
        await world.ask("2", "a COPY 1 INBOX")
        await world.ask("2", "a STORE 1 +FLAGS (\\Seen)")
    assert recorded.told() == [
        ("bob", "FLAG", name, [1], ["$y"]),
        ("bob", "COPY", name, [4, 5], []),
        ("bob", "COPY", "INBOX", [1], []),
        ("bob", "FLAG", name, [1], ["\\Seen"]),
    ]
    assert recorded.counters.counted[:2] == [
        (Counter.HAPPENINGS, "flag", 1),
        (Counter.HAPPENINGS, "copy", 2),
    ]
    logged = [vars(one) for one in caplog.records if "another's mailbox" in one.message]
    account, owner = world.people[BOB].account_id, world.people[ALICE].account_id
    assert [(one["account"], one["owner"]) for one in logged] == [(account, owner)] * 3
    assert [(one["cause"], one["flags"], one["messages"]) for one in logged] == [
        ("FLAG", "$y", 1),
        ("COPY", "", 2),
        ("FLAG", "\\Seen", 1),
    ]


async def test_labels_are_copies(world: Neighbours, recorded: Recorded) -> None:
    await world.prepare("gmail")
    await world.ask("1", "a SELECT INBOX")
    await world.ask("1", "a STORE 1:2 +X-GM-LABELS (\\Sent \\Starred)")
    told = recorded.told()
    assert told[0] == ("alice", "COPY", "Sent", [1, 2], [])
    assert {(cause, *flags) for _, cause, _, _, flags in told[1:]} == {("FLAG", "\\Flagged")}


async def test_which_flags_changed(world: Neighbours) -> None:
    place = await world.services.reach.known(world.viewer(ALICE), MailboxName("INBOX"))
    change = FlagChange(FlagAction.REPLACE, Flags.SEEN, frozenset({"$a"}))
    became = {(int(Flags.FLAGGED), "$b $a"): (int(Flags.SEEN), "$a"), (1, ""): (1, "$a")}
    happening = Happening(Cause.FLAG, place, [], change, became)
    assert happening.changed_flags() == ["$a", "$b", "\\Flagged", "\\Seen"]
    assert Happening(Cause.FLAG, place, [], change).changed_flags() == ["$a", "\\Seen"]
    assert Happening(Cause.COPY, place, []).changed_flags() == []
