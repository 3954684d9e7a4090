"""No statement of the hot path looks at every row of a table."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from postroad.adapters import sql
from postroad.adapters.sql.mail import neighbours, reading
from postroad.adapters.sql.mail.selection import Chosen
from postroad.adapters.sql.sqlite.engine import migrate
from postroad.adapters.sql.statement import Sql
from postroad.adapters.sql.transfer.tables import Table, tables
from postroad.model.ids import AccountId, EmailId, MailboxId, Uid
from postroad.model.mailbox import Column

# What may look at all rows, and why.
SMALL = {  # tables with a row for each tenant, domain, person, key or server
    "directory.tenants._TENANTS",
    "directory.tenants._DOMAINS",
    "directory.tenants._DOMAINS_OF",
    "directory.tenants._IN_DOMAIN",
    "directory.accounts._PEOPLE",
    "directory.accounts._PEOPLE_OF",
    "directory.accounts._ALIASES",
    "directory.accounts._ALIASES_OF",
    "directory.credentials._KEYS",
    "nodes._NODES",
    "nodes._FORGET",
}
UPKEEP = {  # duties and the operator's check, once in a while
    "upkeep._COUNTS",
    "upkeep._USED",
    "upkeep._ORPHANS",
    "upkeep._UNREFERRED",
    "upkeep._STRAY_RIGHTS",
    "upkeep._NOT_DERIVED",
    "upkeep._STRAY_MARKS",
    "upkeep._CHANGES",
    "upkeep._EXCESS",
    "upkeep._GARBAGE",
    "directory.accounts._BLOBS",
    "directory.accounts._CLEAR",
    "renumbering._VALIDITIES",
    "renumbering._OWNERS",
    "renumbering._MOD_SEQS",
    "renumbering._VIRTUAL",
    "renumbering._VIRTUAL_LAST",
    "renumbering._CLAIMED",
}


def statements() -> Iterator[tuple[str, Sql]]:
    """Every statement in the package, with the name it has there.

    Those of a move are about tables that it makes itself, and of every table: see below.
    """
    for module in pkgutil.walk_packages(sql.__path__, f"{sql.__name__}."):
        if ".transfer." in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            where = f"{module.name.removeprefix(sql.__name__ + '.')}.{name}"
            for statement in value if isinstance(value, list) else [value]:
                if isinstance(statement, Sql):
                    yield where, statement
                elif isinstance(statement, Chosen):
                    yield f"{where} by range", statement.by_range
                    yield f"{where} by list", statement.by_list


ALL = dict(
    (f"{where} #{n}", (where, statement)) for n, (where, statement) in enumerate(statements())
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plans") / "mail.db"
    migrate(made)
    return made


def plan(path: Path, statement: Sql) -> list[str]:
    connection = apsw.Connection(str(path))
    names = {name: "[]" if name in statement.lists else None for name in statement.names}
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", names).fetchall()
    connection.close()
    return [str(row[3]) for row in rows]


_NO_TABLES = ("json_each", "CONSTANT", "(subquery", "SCAN ordered")


def scans(lines: list[str]) -> list[str]:
    """Whole tables; the lists in parameters and constant rows are none."""
    return [
        line
        for line in lines
        if line.startswith("SCAN") and not any(word in line for word in _NO_TABLES)
    ]


def test_there_are_statements() -> None:
    assert len(ALL) > 100


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_scanned(path: Path, name: str) -> None:
    where, statement = ALL[name]
    found = plan(path, statement)
    if where in SMALL | UPKEEP:
        return
    assert scans(found) == [], found


@pytest.mark.parametrize("name", ALL)
def test_nothing_hot_is_sorted_aside(path: Path, name: str) -> None:
    """Rows of messages come in the order of their key."""
    where, statement = ALL[name]
    if where.startswith(("mail.reading", "mail.moving", "mail.flags", "owners")):
        assert not [line for line in plan(path, statement) if "ORDER BY" in line]


async def test_rows_are_read_by_key(path: Path) -> None:
    for uids in ([Uid(1), Uid(2)], [Uid(1), Uid(9)]):
        steps = reading.rows_of(AccountId(1), MailboxId(1), uids, list(Column))
        found = plan(path, next(steps).sql)
        assert scans(found) == []
        assert any("USING PRIMARY KEY" in line and "placement" not in line for line in found)
        assert not [line for line in found if "ORDER BY" in line], found


def test_neighbours_are_read_by_key(path: Path) -> None:
    uids, emails = [Uid(n) for n in range(50)], [EmailId(n) for n in range(50)]
    steps = neighbours.read(AccountId(1), MailboxId(1), uids, emails, [Column.ENVELOPE])
    found = plan(path, next(steps).sql) + plan(path, steps.send([(50, 50)]).sql)
    assert scans(found) == []
    assert not [line for line in found if "ORDER BY" in line], found


def test_exceptions_are_not_stale() -> None:
    assert {where.partition(" ")[0] for where, _ in ALL.values()} >= SMALL | UPKEEP


@pytest.mark.parametrize("table", tables(), ids=lambda one: one.name)
def test_pages_of_a_move_follow_the_key(path: Path, table: Table) -> None:
    for statement in (table.next_page, table.one, table.count_next, table.delete):
        found = plan(path, statement)
        assert scans(found) == [], found
        assert not any("TEMP B-TREE" in line for line in found), found
