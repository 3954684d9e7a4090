"""Writing beside a server: the command line counts what it writes, and the server looks."""

from postroad.adapters.sql.statement import Run, Sql, Steps, integer

COUNT_GUEST = """INSERT INTO sequence (name, next_value) VALUES ('changes by guests', 1)
    ON CONFLICT (name) DO UPDATE SET next_value = sequence.next_value + 1"""
_GUESTS = Sql("SELECT next_value FROM sequence WHERE name = 'changes by guests'")


def changes_by_guests() -> Steps[int]:
    rows = yield Run(_GUESTS, {})
    return integer(rows[0][0]) if rows else 0
