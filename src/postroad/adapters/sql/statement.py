"""Statements that two engines understand, and operations that are made of them.

An operation is a generator: it yields statements and is sent their rows, so the same code runs in
SQLite's writer thread and, awaiting, on PostgreSQL. It raises a `MailError` to roll back.

In the text of a statement
  :name             is a parameter (int, text, octets or None)
  {each name}       is a table with the column `value`, made of a parameter that is a list of int
  {each text name}  the same for a list of text
  {pack column}     is all values of a column as one JSON array, empty or None without rows: a
                    thread that steps through rows waits for the interpreter at each of them
  {join column}     is all values of a column of octets as one, with nothing between
  {part column}     the same, with a NUL between two
  {for update}      locks the rows read, where the engine has row locks
  {skip locked}     the same, passing over rows that others hold
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

Value = int | str | bytes | None | Sequence[int] | Sequence[str]
Params = Mapping[str, Value]
Row = tuple[object, ...]
Rows = list[Row]
T = TypeVar("T")

_EACH = re.compile(r"\{each (text )?(\w+)\}")
_PACK = re.compile(r"\{pack (\w+)\}")
_JOIN = re.compile(r"\{join (\w+)\}")
_PART = re.compile(r"\{part (\w+)\}")
_NAME = re.compile(r"(?<!:):(\w+)")
_INSERT = re.compile(r"(INSERT .* VALUES )(\(.*?\))(| ON CONFLICT .*)\Z")


class Sql:
    """One statement, rendered once for each engine."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self._rows: dict[int, str] = {}

    @cached_property
    def lists(self) -> frozenset[str]:
        return frozenset(name for _, name in _EACH.findall(self.text))

    @cached_property
    def sqlite(self) -> str:
        text = _EACH.sub(r"json_each(:\2)", self.text)
        text = _PACK.sub(r"json_group_array(\1)", text)
        text = _JOIN.sub(r"CAST(group_concat(CAST(\1 AS TEXT), '') AS BLOB)", text)
        text = _PART.sub(r"CAST(group_concat(CAST(\1 AS TEXT), char(0)) AS BLOB)", text)
        return text.replace("{for update}", "").replace("{skip locked}", "")

    def sqlite_rows(self, count: int) -> str:
        """An INSERT of one row, made into one of `count` rows; see `in_rows`.

        Raises `ValueError` for any other statement.
        """
        made = self._rows.get(count)
        if made is None:
            found = _INSERT.match(self.text)
            if found is None:
                raise ValueError(f"not an INSERT of one row: {self.text}")
            rows = [_NAME.sub(rf":\g<1>_{n}", found[2]) for n in range(count)]
            made = self._rows[count] = found[1] + ", ".join(rows) + found[3]
        return made

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameters in the order of PostgreSQL's numbers."""
        return tuple(dict.fromkeys(_NAME.findall(self._postgres_named)))

    @cached_property
    def postgres(self) -> str:
        numbers = {name: n for n, name in enumerate(self.names, 1)}
        return _NAME.sub(lambda match: f"${numbers[match[1]]}", self._postgres_named)

    @property
    def _postgres_named(self) -> str:
        text = _EACH.sub(_unnest, self.text)
        text = _PACK.sub(r"CAST(json_agg(\1) AS TEXT)", text)
        text = _JOIN.sub(r"string_agg(\1, '')", text)
        text = _PART.sub(r"string_agg(\1, decode('00', 'hex'))", text)
        text = text.replace("{for update}", "FOR UPDATE")
        return text.replace("{skip locked}", "FOR UPDATE SKIP LOCKED")


def _unnest(match: "re.Match[str]") -> str:
    kind = "text[]" if match[1] else "bigint[]"
    return f"unnest(CAST(:{match[2]} AS {kind})) AS each_{match[2]}(value)"


@dataclass(frozen=True, slots=True)
class Run:
    """Run a statement; the answer is its rows."""

    sql: Sql
    params: Params


def in_rows(rows: Sequence[Params]) -> dict[str, Value]:
    """The parameters of all rows under the names that `Sql.sqlite_rows` has for them."""
    return {f"{name}_{n}": value for n, row in enumerate(rows) for name, value in row.items()}


@dataclass(frozen=True, slots=True)
class RunMany:
    """Insert a row for each set of parameters; the answer is no rows."""

    sql: Sql
    params: Sequence[Params]


Step = Run | RunMany
Steps = Generator[Step, Rows, T]
Operation = Callable[[], Steps[T]]
"""Makes the steps anew for each try."""


def one(rows: Rows) -> Row | None:
    return rows[0] if rows else None


def integer(value: object) -> int:
    """A column that holds a whole number."""
    if not isinstance(value, int):
        raise TypeError(f"expected a whole number in a column, got {type(value).__name__}")
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text in a column, got {type(value).__name__}")
    return value


def octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"expected octets in a column, got {type(value).__name__}")
    return value


def optional_integer(value: object) -> int | None:
    return None if value is None else integer(value)


def optional_octets(value: object) -> bytes | None:
    return None if value is None else octets(value)


def optional_text(value: object) -> str | None:
    return None if value is None else text(value)
