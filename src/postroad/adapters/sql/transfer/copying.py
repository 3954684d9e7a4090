"""Rows on their way from one database to another: pages, then what changed meanwhile."""

from collections.abc import Sequence

from postroad.adapters.sql.migrations import Dialect, render
from postroad.adapters.sql.statement import Params, Row, Run, RunMany, Sql, Steps, integer, text
from postroad.adapters.sql.transfer.tables import Table, tables

_PROGRESS = """CREATE TABLE IF NOT EXISTS moving_progress (
    table_name {text} PRIMARY KEY, row_key {text} NOT NULL)"""
_REACHED = Sql("SELECT table_name, row_key FROM moving_progress")
_REACH = Sql("""
    INSERT INTO moving_progress (table_name, row_key) VALUES (:table, :key)
    ON CONFLICT (table_name) DO UPDATE SET row_key = excluded.row_key
""")
_DROP = Sql("DROP TABLE IF EXISTS moving_progress")
_ACCOUNTS = Sql("SELECT count(*) FROM account")
_HAS_PROGRESS = {
    Dialect.SQLITE: Sql("SELECT 1 FROM sqlite_schema WHERE name = 'moving_progress'"),
    Dialect.POSTGRES: Sql("SELECT 1 FROM pg_tables WHERE tablename = 'moving_progress'"),
}


def is_begun(dialect: Dialect) -> Steps[bool]:
    """Whether a copy into this database was begun and not ended."""
    return bool((yield Run(_HAS_PROGRESS[dialect], {})))


def is_empty() -> Steps[bool]:
    return integer((yield Run(_ACCOUNTS, {}))[0][0]) == 0


def begin(dialect: Dialect) -> Steps[None]:
    """Remember how far it has come; what migrations put into the tables gives way."""
    yield Run(Sql(render(_PROGRESS, dialect)), {})
    for table in reversed(tables()):
        yield Run(Sql(f"DELETE FROM {table.name}"), {})  # a name of the schema


def end() -> Steps[None]:
    yield Run(_DROP, {})


def reached() -> Steps[dict[str, str]]:
    """The last key that came, by its table."""
    return {text(row[0]): text(row[1]) for row in (yield Run(_REACHED, {}))}


def page(table: Table, after: Params | None, limit: int) -> Steps[list[Row]]:
    if after is None:
        return (yield Run(table.first_page, {"limit": limit}))
    return (yield Run(table.next_page, {**after, "limit": limit}))


def put_page(table: Table, after: Params | None, rows: Sequence[Row]) -> Steps[None]:
    """A page that was not here before, and how far that is.

    A row that was changed since may clash with one of another page: then the other was changed
    as well, and comes again.
    """
    yield RunMany(table.insert, [table.params(row) for row in rows])
    last = table.key_of(rows[-1])
    highest: Params = {f"to_{column}": value for column, value in last.items()}
    if after is None:
        counted = yield Run(table.count_first, highest)
    else:
        counted = yield Run(table.count_next, {**after, **highest})
    if counted[0][0] != len(rows):
        yield from _put_each(table, rows)
    yield Run(_REACH, {"table": table.name, "key": table.written(last)})


def current(table: Table, keys: Sequence[Params]) -> Steps[list[Row]]:
    """The rows of these keys that there are."""
    found: list[Row] = []
    for key in keys:
        found += yield Run(table.one, key)
    return found


def renew(changes: Sequence[tuple[Table, Sequence[Params], Sequence[Row]]]) -> Steps[None]:
    """What has these keys now gives way to these rows."""
    for table, keys, _ in reversed(changes):
        for key in keys:
            yield Run(table.delete, key)
    for table, _, rows in changes:
        yield from _put_each(table, rows)


def _put_each(table: Table, rows: Sequence[Row]) -> Steps[None]:
    for row in rows:
        params = table.params(row)
        yield Run(table.delete, table.key_of(row))
        for columns, clash in table.clashes:
            values = {column: params[column] for column in columns}
            if None not in values.values():
                yield Run(clash, values)
        yield Run(table.insert, params)


def counts() -> Steps[dict[str, int]]:
    found = {}
    for table in tables():
        found[table.name] = integer((yield Run(table.count, {}))[0][0])
    return found
