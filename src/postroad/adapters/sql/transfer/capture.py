"""Noting which rows change while they are copied, and in the end letting none change any more."""

from collections.abc import Iterator

from postroad.adapters.sql.engine import MOVED
from postroad.adapters.sql.migrations import Dialect, render
from postroad.adapters.sql.statement import Run, Sql, Steps, integer, text
from postroad.adapters.sql.transfer.tables import Table, tables

SETTING = "moved to"
_NOTES = {
    Dialect.SQLITE: """CREATE TABLE IF NOT EXISTS moving_row (
        seq {int} PRIMARY KEY, table_name {text} NOT NULL, row_key {text} NOT NULL)""",
    Dialect.POSTGRES: """CREATE TABLE IF NOT EXISTS moving_row (
        seq {int} GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name {text} NOT NULL,
        row_key {text} NOT NULL)""",
}
_PENDING = Sql("SELECT seq, table_name, row_key FROM moving_row ORDER BY seq LIMIT :limit")
_FORGET = Sql("DELETE FROM moving_row WHERE seq IN (SELECT value FROM {each seqs})")
_SAY = Sql("""
    INSERT INTO setting (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
""")
_UNSAY = Sql("DELETE FROM setting WHERE name = :name")
_SAID = Sql("SELECT value FROM setting WHERE name = :name")
_DROP = {
    Dialect.SQLITE: Sql("DROP TABLE IF EXISTS moving_row"),
    Dialect.POSTGRES: Sql("DROP TABLE IF EXISTS moving_row"),
}


def begin(dialect: Dialect) -> Steps[None]:
    """Note from now on; it may be begun again."""
    yield Run(Sql(render(_NOTES[dialect], dialect)), {})
    for table in tables():
        for statement in _noting(table, dialect):
            yield Run(Sql(statement), {})


def end(dialect: Dialect) -> Steps[None]:
    """Note nothing any more, and let rows change again."""
    yield from unfence(dialect)
    for table in tables():
        for name in (f"moving_{table.name}_{what}" for what in ("insert", "update", "delete")):
            yield Run(Sql(_without_trigger(name, table, dialect)), {})
        if dialect is Dialect.POSTGRES:
            yield Run(Sql(f"DROP FUNCTION IF EXISTS moving_{table.name}"), {})
    yield Run(_DROP[dialect], {})


def fence(dialect: Dialect, target: str) -> Steps[None]:
    """Whoever changes a row from now on is refused, with `MOVED`."""
    yield Run(_SAY, {"name": SETTING, "value": target})
    if dialect is Dialect.POSTGRES:
        yield Run(
            Sql(
                "CREATE OR REPLACE FUNCTION moved_away() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{MOVED}'; END $$"
            ),
            {},
        )
        listed = ", ".join(table.name for table in tables())
        yield Run(Sql(f"LOCK TABLE {listed} IN SHARE ROW EXCLUSIVE MODE"), {})
    for table in tables():
        for statement in _refusing(table, dialect):
            yield Run(Sql(statement), {})


def unfence(dialect: Dialect) -> Steps[None]:
    for table in tables():
        for name in (f"moved_{table.name}_{what}" for what in ("insert", "update", "delete")):
            yield Run(Sql(_without_trigger(name, table, dialect)), {})
    if dialect is Dialect.POSTGRES:
        yield Run(Sql("DROP FUNCTION IF EXISTS moved_away"), {})
    yield Run(_UNSAY, {"name": SETTING})


def moved_to() -> Steps[str | None]:
    """Where the installation went, if it did."""
    rows = yield Run(_SAID, {"name": SETTING})
    return text(rows[0][0]) if rows else None


def pending(limit: int) -> Steps[list[tuple[int, str, str]]]:
    """What changed, oldest first: number, table and key."""
    rows = yield Run(_PENDING, {"limit": limit})
    return [(integer(row[0]), text(row[1]), text(row[2])) for row in rows]


def forget(numbers: list[int]) -> Steps[None]:
    yield Run(_FORGET, {"seqs": numbers})


def _noting(table: Table, dialect: Dialect) -> Iterator[str]:
    if dialect is Dialect.POSTGRES:
        old, new = _pg_note(table, "OLD"), _pg_note(table, "NEW")
        yield (
            f"CREATE OR REPLACE FUNCTION moving_{table.name}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN IF TG_OP <> 'INSERT' THEN {old} END IF; "
            f"IF TG_OP <> 'DELETE' THEN {new} END IF; RETURN NULL; END $$"
        )
        for what in ("INSERT", "UPDATE", "DELETE"):
            yield (
                f"CREATE OR REPLACE TRIGGER moving_{table.name}_{what.lower()} AFTER {what} "
                f"ON {table.name} FOR EACH ROW EXECUTE FUNCTION moving_{table.name}()"
            )
        return
    for what, sides in (("INSERT", "NEW"), ("DELETE", "OLD"), ("UPDATE", "OLD NEW")):
        notes = " ".join(_sqlite_note(table, side) for side in sides.split())
        yield (
            f"CREATE TRIGGER IF NOT EXISTS moving_{table.name}_{what.lower()} AFTER {what} "
            f"ON {table.name} BEGIN {notes} END"
        )


def _pg_note(table: Table, side: str) -> str:
    values = ", ".join(
        f"encode({side}.{one}, 'hex')" if one in table.octets else f"{side}.{one}"
        for one in table.key
    )
    return _note(table, f"json_build_array({values})")


def _sqlite_note(table: Table, side: str) -> str:
    values = ", ".join(
        f"lower(hex({side}.{one}))" if one in table.octets else f"{side}.{one}"
        for one in table.key
    )
    return _note(table, f"json_array({values})")


def _note(table: Table, key: str) -> str:
    return (
        f"INSERT INTO moving_row (table_name, row_key) "
        f"VALUES ('{table.name}', CAST({key} AS TEXT));"
    )


def _refusing(table: Table, dialect: Dialect) -> Iterator[str]:
    for what in ("INSERT", "UPDATE", "DELETE"):
        name = f"moved_{table.name}_{what.lower()}"
        if dialect is Dialect.POSTGRES:
            yield (
                f"CREATE OR REPLACE TRIGGER {name} BEFORE {what} ON {table.name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION moved_away()"
            )
        else:
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {what} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{MOVED}'); END"
            )


def _without_trigger(name: str, table: Table, dialect: Dialect) -> str:
    place = f" ON {table.name}" if dialect is Dialect.POSTGRES else ""
    return f"DROP TRIGGER IF EXISTS {name}{place}"
