"""A restored database on PostgreSQL."""

from adapters.sql.renumbering_contract import RenumberingContract


class TestRenumbering(RenumberingContract):
    pass
