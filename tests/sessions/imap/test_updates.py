"""Results that are kept up to date (RFC 5267): as they are told, they are what a search finds."""

import random
import re
from pathlib import Path

import pytest

from postroad.base.errors import TryLater
from postroad.sessions.imap.evaluate import Evaluation
from sessions.imap.neighbours import Neighbours

_UPDATE = re.compile(r'\* ESEARCH \(TAG "(\w+)"\)( UID)? (ADDTO|REMOVEFROM) \((.*)\)')
SUBJECTS = ("a", "b", "c", "d")
SEARCHES = {
    "s1": "UID SEARCH RETURN (UPDATE ALL) OR FLAGGED SEEN",
    "s2": "SEARCH RETURN (UPDATE ALL) NOT FLAGGED",
    "s3": "UID SORT RETURN (UPDATE ALL) (SUBJECT REVERSE ARRIVAL) UTF-8 FLAGGED",
    "s4": "SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 UNSEEN SUBJECT a",
    "s5": "SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 ALL",
}


def expanded(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


class Reader:
    """A client that believes what it is told; results are kept as UIDs."""

    def __init__(self, world: Neighbours) -> None:
        self._world = world
        self.uids: list[int] = []
        self.results: dict[str, list[int]] = {}

    async def begin(self) -> None:
        await self._world.ask("1", "a SELECT INBOX")
        found = re.findall(r"UID (\d+)", await self._world.ask("1", "b UID FETCH 1:* (UID)"))
        self.uids = [int(uid) for uid in found]
        for tag, search in SEARCHES.items():
            self.results[tag] = self._uids(await self._world.ask("1", f"{tag} {search}"))

    def hear(self, said: str) -> None:
        for line in said.splitlines():
            if match := _UPDATE.match(line):
                self._apply(*match.groups())
            elif match := re.match(r"\* (\d+) EXPUNGE", line):
                del self.uids[int(match[1]) - 1]
            elif match := re.match(r"\* \d+ FETCH \(.*UID (\d+)", line):
                uid = int(match[1])
                if uid not in self.uids:
                    self.uids.append(uid)

    def _apply(self, tag: str, by_uid: str | None, name: str, pairs: str) -> None:
        result, words = self.results[tag], pairs.split()
        for at, text in zip(words[::2], words[1::2], strict=True):
            numbers = expanded(text)
            uids = numbers if by_uid else [self.uids[number - 1] for number in numbers]
            place = int(at)
            if name == "ADDTO":
                assert not set(uids) & set(result)
                result[max(place - 1, 0) : max(place - 1, 0)] = uids
                if not place:
                    result.sort()
                continue
            if place:
                assert result[place - 1 : place - 1 + len(uids)] == uids
            assert set(uids) <= set(result)
            self.results[tag] = result = [uid for uid in result if uid not in uids]

    def _uids(self, said: str) -> list[int]:
        match = re.search(r"ESEARCH \(TAG .*?\)( UID)? ALL (\S+)", said)
        if match is None:
            return []
        numbers = expanded(match[2])
        return numbers if match[1] else [self.uids[number - 1] for number in numbers]

    async def other(self, command: str) -> None:
        """What another client of the same person says, and what this one hears of it."""
        heard = await self._world.send("6", command.encode() + b"\r\n")
        self.hear(heard.get("1", b"").decode())

    async def check(self) -> None:
        # The attributes of new messages say which UIDs their numbers have.
        self.hear(await self._world.ask("1", "n NOOP"))
        for tag, search in SEARCHES.items():
            fresh = search.replace("UPDATE ", "")
            found = self._uids(await self._world.ask("1", f"x {fresh}"))
            assert self.results[tag] == found, tag


async def change(reader: Reader, dice: random.Random, count: int) -> None:
    """Another client of the same person does something."""
    number = dice.randint(1, max(count, 1))
    match dice.randint(0, 5):
        case 0 | 1:
            await reader.other(appended(dice.choice(SUBJECTS)))
        case 2:
            await reader.other(f"b STORE {number} +FLAGS (\\Flagged)")
        case 3:
            await reader.other(f"b STORE 1:{number} -FLAGS (\\Flagged)")
        case 4:
            await reader.other(f"b STORE {number} FLAGS (\\Seen)")
        case 5:
            await reader.other(f"b STORE {number} +FLAGS (\\Deleted)")
            await reader.other("b EXPUNGE")


def appended(subject: str) -> str:
    octets = f"Subject: {subject}\r\n\r\n"
    return f"b APPEND INBOX (\\Flagged) {{{len(octets)}+}}\r\n{octets}"


async def append(world: Neighbours, subject: str) -> None:
    await world.ask("6", appended(subject))


@pytest.mark.parametrize("seed", range(8))
async def test_they_are_what_a_search_finds(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  # no secret
    world = await Neighbours(tmp_path).move_in()
    await world.ask("6", "a SELECT INBOX")
    for _ in range(6):
        await append(world, dice.choice(SUBJECTS))
    reader = Reader(world)
    await reader.begin()
    await world.ask("1", "c NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange))")
    for _ in range(25):
        for _ in range(dice.randint(1, 4)):
            await change(reader, dice, len(reader.uids))
        await reader.check()


@pytest.fixture
async def world(tmp_path: Path) -> Neighbours:
    world = await Neighbours(tmp_path).move_in()
    await append(world, "a")
    await world.ask("1", "a SELECT INBOX")
    return world


async def test_a_session_has_so_many_and_no_more(world: Neighbours) -> None:
    for n in range(10):
        said = await world.ask("1", f"t{n} SEARCH RETURN (UPDATE) ALL")
        assert "NOUPDATE" not in said
    said = await world.ask("1", "t10 SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL")
    assert '* ESEARCH (TAG "t10") COUNT 1' in said
    assert '* NO [NOUPDATE "t10"]' in said
    assert "t10 OK" in said
    await world.ask("1", 'b CANCELUPDATE "t3"')
    assert "NOUPDATE" not in await world.ask("1", "t11 SEARCH RETURN (UPDATE) ALL")


async def test_a_store_that_does_not_answer_ends_them(
    world: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.ask("1", "s SEARCH RETURN (UPDATE) FLAGGED")
    await append(world, "b")

    async def fails(*_: object) -> list[int]:
        raise TryLater("not now")

    with monkeypatch.context() as patch:
        patch.setattr(Evaluation, "places", fails)
        said = await world.ask("1", "b NOOP")
    assert '* NO [NOUPDATE "s"]' in said
    assert "b OK" in said
    await append(world, "c")
    assert "ESEARCH" not in await world.ask("1", "c NOOP")
