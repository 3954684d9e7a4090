"""A restored database on SQLite."""

from adapters.sql.renumbering_contract import RenumberingContract


class TestRenumbering(RenumberingContract):
    pass
