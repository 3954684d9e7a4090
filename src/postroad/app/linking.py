"""How the nodes of an installation hear of each other: what the setting `bus` names."""

from postroad.adapters.bus.link import NodeLink
from postroad.adapters.bus.postgres import PostgresLink
from postroad.app.database import is_postgres
from postroad.config.settings import Settings


def link_of(settings: Settings, node: str) -> NodeLink | None:
    """None where there is one node."""
    bus, database = settings.bus, settings.storage.metadata
    if not bus:
        bus = "postgres:" if is_postgres(database) else "local:"
    if bus == "postgres:":
        return PostgresLink(node, database)
    if is_postgres(bus):
        return PostgresLink(node, bus)
    return None
