"""Leases as rows."""

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Params, Run, Sql, Steps
from postroad.base.moments import Moment
from postroad.stores.leases import LeaseStore

_TAKE = Sql("""
    INSERT INTO lease (name, token, lapses_at) VALUES (:name, :token, :until)
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, lapses_at = excluded.lapses_at
        WHERE lease.token = excluded.token OR lease.lapses_at <= :now
    RETURNING 1
""")
_GIVE_BACK = Sql("DELETE FROM lease WHERE name = :name AND token = :token")
_ANY_HELD = Sql("""
    SELECT 1 FROM lease WHERE name >= :low AND name < :high AND lapses_at > :now LIMIT 1
""")


class SqlLeaseStore(LeaseStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def take(self, name: str, token: str, now: Moment, until: Moment) -> bool:
        def operation() -> Steps[bool]:
            params: Params = {"name": name, "token": token, "now": now, "until": until}
            return bool((yield Run(_TAKE, params)))

        return await self._engine.write(operation)

    async def give_back(self, name: str, token: str) -> None:
        def operation() -> Steps[None]:
            yield Run(_GIVE_BACK, {"name": name, "token": token})

        await self._engine.write(operation)

    async def any_held(self, prefix: str, now: Moment) -> bool:
        def operation() -> Steps[bool]:
            high = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            params: Params = {"low": prefix, "high": high, "now": now}
            return bool((yield Run(_ANY_HELD, params)))

        return await self._engine.look_up(operation)
