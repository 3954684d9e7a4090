"""How the nodes of an installation hear of each other: what the setting `bus` names."""

from postroad.adapters.bus.link import NodeLink
from postroad.adapters.bus.postgres import PostgresLink
from postroad.app.database import is_postgres
from postroad.base.errors import Invalid
from postroad.config.settings import Settings


def link_of(settings: Settings, node: str, installation: str) -> NodeLink | None:
    """None where there is one node. Raises `Invalid`.

    Others that use the same service have another name of their `installation`.
    """
    bus, database = settings.bus, settings.storage.metadata
    if not bus:
        bus = "postgres:" if is_postgres(database) else "local:"
    if bus == "postgres:":
        return PostgresLink(node, database)
    if is_postgres(bus):
        return PostgresLink(node, bus)
    try:
        # Imported here, since most have neither.
        if bus.startswith("redis"):
            from postroad.adapters.bus.redis import RedisLink

            return RedisLink(node, bus, installation)
        if bus.startswith(("nats:", "tls:")):
            from postroad.adapters.bus.nats import NatsLink

            return NatsLink(node, bus, installation)
    except ValueError as error:
        raise Invalid(f"bus: {error}") from None
    return None
