"""Whether the server keeps what it has committed."""

from postroad.adapters.sql.engine import Weakness
from postroad.adapters.sql.postgres.connection import Connection

_SETTINGS = """SELECT current_setting('fsync'), current_setting('full_page_writes'),
    current_setting('synchronous_standby_names')"""


async def find_weaknesses(connection: Connection) -> list[Weakness]:
    """Promise 1 of DESIGN.md: what was acknowledged outlives the loss of a machine."""
    fsync, full_pages, standbys = await connection.fetchrow(_SETTINGS)
    found = []
    if fsync != "on":
        what = "fsync is off: what was acknowledged is lost when the server's machine fails"
        found.append(Weakness(what, "ALTER SYSTEM SET fsync = on", is_grave=True))
    if full_pages != "on":
        what = "full_page_writes is off: a power failure can damage the database"
        found.append(Weakness(what, "ALTER SYSTEM SET full_page_writes = on", is_grave=True))
    if not standbys:
        what = "no standby is synchronous: what was acknowledged is lost with the server's disk"
        fix = "make a standby, and ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'"
        found.append(Weakness(what, fix, is_grave=False))
    return found
