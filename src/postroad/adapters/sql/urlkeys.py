"""Keys that authorize URLs (RFC 4467), as rows."""

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, octets, one
from postroad.base.errors import NotFound
from postroad.model.ids import AccountId, MailboxId
from postroad.model.sharing import Viewer
from postroad.stores.urlkeys import UrlKeyStore

_FIND = Sql("""
    SELECT secret FROM url_key
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND viewer_id = :viewer
""")
_MAILBOX = Sql("""
    SELECT 1 FROM mailbox m JOIN account a ON a.account_id = m.owner_id
    WHERE m.owner_id = :owner AND m.mailbox_id = :mailbox AND a.tenant_id = :tenant
""")
_KEEP = Sql("""
    INSERT INTO url_key (owner_id, mailbox_id, viewer_id, secret)
    VALUES (:owner, :mailbox, :viewer, :secret)
    ON CONFLICT (owner_id, mailbox_id, viewer_id) DO NOTHING
""")
_REPLACE = Sql("""
    INSERT INTO url_key (owner_id, mailbox_id, viewer_id, secret)
    VALUES (:owner, :mailbox, :viewer, :secret)
    ON CONFLICT (owner_id, mailbox_id, viewer_id) DO UPDATE SET secret = excluded.secret
""")
_FORGET = Sql("DELETE FROM url_key WHERE viewer_id = :viewer")


class SqlUrlKeyStore(UrlKeyStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> bytes | None:
        return await self._engine.look_up(lambda: _find(_where(viewer, owner, mailbox)))

    async def keep(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> bytes:
        params: Params = {**_where(viewer, owner, mailbox), "secret": secret}
        return await self._engine.write(lambda: _keep(viewer, params, _KEEP))

    async def replace(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> None:
        params: Params = {**_where(viewer, owner, mailbox), "secret": secret}
        await self._engine.write(lambda: _keep(viewer, params, _REPLACE))

    async def forget(self, viewer: Viewer) -> None:
        def operation() -> Steps[None]:
            yield Run(_FORGET, {"viewer": viewer.account})

        await self._engine.write(operation)


def _where(viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> dict[str, int]:
    return {"owner": owner, "mailbox": mailbox, "viewer": viewer.account}


def _find(params: Params) -> Steps[bytes | None]:
    row = one((yield Run(_FIND, params)))
    return None if row is None else octets(row[0])


def _keep(viewer: Viewer, params: Params, how: Sql) -> Steps[bytes]:
    about = {"owner": params["owner"], "mailbox": params["mailbox"], "tenant": viewer.tenant}
    if not (yield Run(_MAILBOX, about)):
        raise NotFound("there is no such mailbox")
    yield Run(how, params)
    found = yield from _find({key: params[key] for key in ("owner", "mailbox", "viewer")})
    if found is None:
        raise RuntimeError("a key that was just written is not there")
    return found
