"""One text of a statement, rendered for two engines."""

import pytest

from postroad.adapters.sql.mail.selection import choose, chosen
from postroad.adapters.sql.statement import (
    Sql,
    in_rows,
    integer,
    octets,
    optional_text,
    text,
)
from postroad.model.ids import Uid


@pytest.mark.parametrize(
    ("wanted", "sqlite", "postgres", "names"),
    [
        (
            "SELECT a\n  FROM t WHERE a = :a AND b = :b OR c = :a",
            "SELECT a FROM t WHERE a = :a AND b = :b OR c = :a",
            "SELECT a FROM t WHERE a = $1 AND b = $2 OR c = $1",
            ("a", "b"),
        ),
        (
            "SELECT 1 WHERE x IN (SELECT value FROM {each uids})",
            "SELECT 1 WHERE x IN (SELECT value FROM json_each(:uids))",
            "SELECT 1 WHERE x IN "
            "(SELECT value FROM unnest(CAST($1 AS bigint[])) AS each_uids(value))",
            ("uids",),
        ),
        (
            "SELECT value FROM {each text words}",
            "SELECT value FROM json_each(:words)",
            "SELECT value FROM unnest(CAST($1 AS text[])) AS each_words(value)",
            ("words",),
        ),
        (
            "SELECT {pack uid} FROM t",
            "SELECT json_group_array(uid) FROM t",
            "SELECT CAST(json_agg(uid) AS TEXT) FROM t",
            (),
        ),
        (
            "SELECT {join body} FROM t",
            "SELECT CAST(group_concat(CAST(body AS TEXT), '') AS BLOB) FROM t",
            "SELECT string_agg(body, '') FROM t",
            (),
        ),
        (
            "SELECT {part body} FROM t",
            "SELECT CAST(group_concat(CAST(body AS TEXT), char(0)) AS BLOB) FROM t",
            "SELECT string_agg(body, decode('00', 'hex')) FROM t",
            (),
        ),
        ("SELECT 1 {for update}", "SELECT 1 ", "SELECT 1 FOR UPDATE", ()),
        ("SELECT 1 {skip locked}", "SELECT 1 ", "SELECT 1 FOR UPDATE SKIP LOCKED", ()),
        ("SELECT a::text = :a", "SELECT a::text = :a", "SELECT a::text = $1", ("a",)),
    ],
)
def test_rendering(wanted: str, sqlite: str, postgres: str, names: tuple[str, ...]) -> None:
    statement = Sql(wanted)
    assert (statement.sqlite, statement.postgres, statement.names) == (sqlite, postgres, names)


def test_lists_are_known() -> None:
    assert Sql("{each a} {each text b} :c").lists == {"a", "b"}


@pytest.mark.parametrize(
    ("uids", "is_range"),
    [((3, 4, 5), True), ((7,), True), ((3, 5), False), ((1, 4, 3), False), ((3, 3, 5), False)],
)
def test_a_range_names_nothing_else(uids: tuple[int, ...], is_range: bool) -> None:
    statement = chosen("DELETE FROM t WHERE {these}")
    sql, params = choose(statement, [Uid(uid) for uid in uids], {})
    assert (sql is statement.by_range) == is_range
    if is_range:
        assert params == {"first": uids[0], "last": uids[-1]}
    else:
        assert params == {"uids": list(uids)}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "INSERT INTO t (a, b) VALUES (:a, 'x', :b)",
            "INSERT INTO t (a, b) VALUES (:a_0, 'x', :b_0), (:a_1, 'x', :b_1)",
        ),
        (
            "INSERT INTO t (a) VALUES (coalesce(:a, 1)) ON CONFLICT DO NOTHING",
            "INSERT INTO t (a) VALUES (coalesce(:a_0, 1)), (coalesce(:a_1, 1)) "
            "ON CONFLICT DO NOTHING",
        ),
    ],
)
def test_an_insert_of_two_rows(one: str, two: str) -> None:
    assert Sql(one).sqlite_rows(2) == two
    assert in_rows([{"a": 1, "b": None}, {"a": 2, "b": b"x"}]) == {
        "a_0": 1,
        "b_0": None,
        "a_1": 2,
        "b_1": b"x",
    }


@pytest.mark.parametrize("other", ["SELECT 1", "INSERT INTO t (a) VALUES (:a) RETURNING a"])
def test_nothing_else_is_made_into_rows(other: str) -> None:
    with pytest.raises(ValueError, match="not an INSERT"):
        Sql(other).sqlite_rows(2)


def test_a_column_of_another_kind_is_our_mistake() -> None:
    for read, value in ((integer, "1"), (text, b"a"), (octets, "a"), (optional_text, 1)):
        with pytest.raises(TypeError):
            read(value)
