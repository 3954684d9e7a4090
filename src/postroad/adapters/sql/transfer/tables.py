"""The tables of the schema, with the statements that carry their rows to another database."""

import json
from collections.abc import Sequence
from contextlib import closing
from functools import cache

import apsw

from postroad.adapters.sql.migrations import Dialect, migrations
from postroad.adapters.sql.statement import Params, Row, Sql, Value, integer, text

_OF_PROCESSES = frozenset({"lease"})  # what those that run hold; nothing that lasts


class Table:
    """Rows are tuples in the order of `columns`, keys in the order of `key`."""

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        octets: frozenset[str],
        key: Sequence[str],
        uniques: Sequence[Sequence[str]],
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.key = tuple(key)
        self.octets = octets
        """Columns whose values are octets."""
        listed, order = ", ".join(columns), ", ".join(key)
        select = f"SELECT {listed} FROM {name}"
        bounds = ", ".join(f":{one}" for one in key)
        matching = _equal(key)
        self.first_page = Sql(f"{select} ORDER BY {order} LIMIT :limit")
        self.next_page = Sql(
            f"{select} WHERE ({order}) > ({bounds}) ORDER BY {order} LIMIT :limit"
        )
        highest = ", ".join(f":to_{one}" for one in key)
        upto = f"SELECT count(*) FROM {name} WHERE ({order}) <= ({highest})"
        self.count_first = Sql(upto)
        self.count_next = Sql(f"{upto} AND ({order}) > ({bounds})")
        self.one = Sql(f"{select} WHERE {matching}")
        self.insert = Sql(
            f"INSERT INTO {name} ({listed}) VALUES ({', '.join(f':{one}' for one in columns)}) "
            "ON CONFLICT DO NOTHING"
        )
        self.delete = Sql(f"DELETE FROM {name} WHERE {matching}")
        self.clashes = [
            (tuple(one), Sql(f"DELETE FROM {name} WHERE {_equal(one)}")) for one in uniques
        ]
        """What must go before a row can come, besides the row of its own key."""
        self.count = Sql(f"SELECT count(*) FROM {name}")
        self._at = {column: number for number, column in enumerate(self.columns)}

    def params(self, row: Row) -> Params:
        return {column: _value(value) for column, value in zip(self.columns, row, strict=True)}

    def key_of(self, row: Row) -> Params:
        return {column: _value(row[self._at[column]]) for column in self.key}

    def written(self, key: Params) -> str:
        """A key as the triggers write it, whichever engine they run in."""
        return json.dumps([_plain(key[column]) for column in self.key], ensure_ascii=False)

    def read(self, written: str) -> Params:
        values = json.loads(written)
        return {
            column: bytes.fromhex(value) if column in self.octets else value
            for column, value in zip(self.key, values, strict=True)
        }


@cache
def tables() -> tuple[Table, ...]:
    """Those of the newest schema; a table that others refer to comes before them."""
    with closing(apsw.Connection(":memory:")) as connection:
        for migration in migrations():
            for statement in migration.statements(Dialect.SQLITE):
                connection.execute(statement)
        names = [
            text(row[0])
            for row in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"
            )
        ]
        return tuple(_table(connection, name) for name in names if name not in _OF_PROCESSES)


def _table(connection: apsw.Connection, name: str) -> Table:
    listed = connection.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((row for row in listed if row[5]), key=lambda row: integer(row[5]))
    uniques = []
    for index in connection.execute(f"PRAGMA index_list({name})").fetchall():
        if index[2] and index[3] != "pk":
            inside = connection.execute(f"PRAGMA index_info({index[1]})").fetchall()
            uniques.append([text(row[2]) for row in inside])
    return Table(
        name,
        [text(row[1]) for row in listed],
        frozenset(text(row[1]) for row in listed if row[2] == "BLOB"),
        [text(row[1]) for row in key],
        uniques,
    )


def _equal(columns: Sequence[str]) -> str:
    return " AND ".join(f"{one} = :{one}" for one in columns)


def _value(value: object) -> Value:
    if value is None or isinstance(value, int | str | bytes):
        return value
    raise TypeError(f"a row holds {type(value).__name__}")


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
