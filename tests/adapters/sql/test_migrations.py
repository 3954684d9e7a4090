"""The migrations and their history."""

import pytest

from postroad.adapters.sql.migrations import Dialect, migrations, missing
from postroad.base.errors import Invalid


def test_numbers_are_in_a_row() -> None:
    assert (numbers := [one.number for one in migrations()]) == sorted(set(numbers))


@pytest.mark.parametrize("dialect", Dialect)
def test_every_mark_is_rendered(dialect: Dialect) -> None:
    for migration in migrations():
        for statement in migration.statements(dialect):
            assert "{" not in statement
            assert "--" not in statement


def test_what_is_applied_is_not_applied_again() -> None:
    everything = {one.number: one.checksum for one in migrations()}
    assert missing(everything) == []
    assert missing({}) == migrations()


def test_a_newer_database_is_refused() -> None:
    applied = {one.number: one.checksum for one in migrations()} | {9999: "x"}
    with pytest.raises(Invalid, match=r"9999.*upgrade"):
        missing(applied)


def test_another_history_is_refused() -> None:
    with pytest.raises(Invalid, match="differs"):
        missing({1: "0" * 64})
