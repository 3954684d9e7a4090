"""Numbers that all workers see."""

import os

import pytest

from postroad.adapters.shared.board import NOW, Board
from postroad.adapters.shared.census import SharedCensus
from postroad.adapters.shared.crowd import Crowd


def _in_another_process(work: "object") -> None:
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()  # type: ignore[operator]  # a function of the test
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_what_a_process_counts_is_seen_by_all_and_outlives_it() -> None:
    board = Board(2)
    board.parts[0].add("received", 3)

    def work() -> None:
        board.parts[1].add("received", 4)
        board.parts[1].add("only here")
        board.parts[1].set(f"{NOW}connections", 7)

    _in_another_process(work)
    assert board.total("received") == 7
    assert board.totals() == {"received": 7, "only here": 1, f"{NOW}connections": 7}
    board.parts[1].forget_now()
    assert board.totals() == {"received": 7, "only here": 1, f"{NOW}connections": 0}
    _in_another_process(work)
    assert board.total("received") == 11, "the next one counts on"


def test_a_name_that_nobody_wrote_is_nothing() -> None:
    assert Board(1).total("never") == 0


def test_a_board_has_an_end() -> None:
    part = Board(1).parts[0]
    with pytest.raises(ValueError, match="no room"):
        part.add("x" * 56)
    for number in range(250):
        part.add(f"name {number}")
    with pytest.raises(ValueError, match="no room"):
        part.add("one more")
    part.add("name 249")
    assert part.value("name 249") == 2


def test_addresses_are_counted_over_all() -> None:
    crowd = Crowd(3)
    for part in range(3):
        crowd.add(part, "192.0.2.1", 2)
    crowd.add(1, "2001:db8::1", 1)
    assert crowd.count("192.0.2.1") == 6
    assert crowd.count("2001:db8::1") == 1
    assert crowd.count("192.0.2.2") == 0
    crowd.clear(1)
    assert crowd.count("192.0.2.1") == 4
    assert crowd.count("2001:db8::1") == 0


def test_among_many_addresses_each_keeps_its_own_count() -> None:
    crowd = Crowd(2)
    addresses = [f"10.0.{a}.{b}" for a in range(16) for b in range(250)]
    for number, address in enumerate(addresses):
        crowd.add(number % 2, address, 1 + number % 3)
    told = [crowd.count(address) for address in addresses]
    wanted = [1 + number % 3 for number in range(len(addresses))]
    assert all(one >= other for one, other in zip(told, wanted, strict=True)), "never too low"
    wrong = sum(one != other for one, other in zip(told, wanted, strict=True))
    assert wrong < len(addresses) // 20
    assert max(told) < 20


def test_who_has_more_holds_back_for_those_that_serve() -> None:
    board, crowd = Board(2), Crowd(2)
    mine, other = SharedCensus(board, crowd, 0), SharedCensus(board, crowd, 1)
    mine.serve()
    for _ in range(2):
        mine.came("smtp", "192.0.2.1")
    assert not mine.has_more_than_others(), "the other one does not take any"
    other.serve()
    assert mine.has_more_than_others()
    assert not other.has_more_than_others()
    other.arriving(1)
    assert not mine.has_more_than_others()
    mine.came("imap", "192.0.2.1")
    other.retire()
    assert not mine.has_more_than_others()
    assert (mine.total(), mine.of_address("192.0.2.1")) == (3, 3)
    assert not mine.is_closed()
    board.close()
    assert mine.is_closed()
    mine.went("imap", "192.0.2.1")
    assert (other.total(), other.of_address("192.0.2.1")) == (2, 2)
