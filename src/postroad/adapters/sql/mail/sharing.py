"""Rights to mailboxes: one row for an identifier and mailbox, with the owner of the mailbox."""

from collections.abc import Iterable, Sequence

from postroad.adapters.sql.mail.mailboxes import COLUMNS, load, to_mailbox
from postroad.adapters.sql.mail.rights import derive
from postroad.adapters.sql.owners import lock
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    Sql,
    Steps,
    integer,
    one,
    optional_text,
    text,
)
from postroad.base.errors import NotFound, TooMany
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, MailboxName, TenantId
from postroad.model.sharing import (
    AclChange,
    AclEntry,
    Group,
    Identifier,
    Rights,
    SharedMailbox,
    Viewer,
)

MAX_ENTRIES = 1000  # of one mailbox
_ANYONE, _AUTHENTICATED = 0, -1
_GROUPS = {Group.ANYONE: _ANYONE, Group.AUTHENTICATED: _AUTHENTICATED}
_GROUP_NAMES = {number: group.value for group, number in _GROUPS.items()}

_PERSON = Sql("""
    SELECT is_shared FROM account
    WHERE account_id = :account AND tenant_id = :tenant AND is_person = 1
""")
_ENTRIES = Sql("""
    SELECT l.identifier, a.address, l.negative, l.rights
    FROM acl l LEFT JOIN account a ON a.account_id = l.identifier AND a.tenant_id = :tenant
    WHERE l.owner_id = :owner AND l.mailbox_id = :mailbox
""")
_RIGHTS = Sql("""
    SELECT rights FROM acl
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND identifier = :identifier
        AND negative = :negative
""")
_COUNT = Sql("SELECT count(*) FROM acl WHERE owner_id = :owner AND mailbox_id = :mailbox")
_REMOVE = Sql("""
    DELETE FROM acl
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND identifier = :identifier
        AND negative = :negative
""")
_SET = Sql("""
    INSERT INTO acl (owner_id, mailbox_id, identifier, negative, rights)
    VALUES (:owner, :mailbox, :identifier, :negative, :rights)
    ON CONFLICT (owner_id, mailbox_id, identifier, negative) DO UPDATE SET rights = :rights
""")
_FIND = Sql(f"""
    SELECT {COLUMNS}, a.account_id, a.address, a.is_shared
    FROM account a CROSS JOIN mailbox m
    WHERE a.tenant_id = :tenant AND a.address = :address AND a.is_person = 1
        AND m.owner_id = a.account_id AND m.name = :name
""")  # noqa: S608
_OWNERS = Sql("""
    SELECT DISTINCT a.account_id, a.address, a.is_shared
    FROM shared_with s CROSS JOIN account a
    WHERE s.tenant_id = :tenant AND s.viewer_id IN (:viewer, 0) AND s.owner_id <> :viewer
        AND a.account_id = s.owner_id AND a.tenant_id = s.tenant_id
    ORDER BY a.address
""")
_OF_VIEWER = Sql("""
    SELECT l.mailbox_id, l.negative, l.rights FROM acl l CROSS JOIN account a
    WHERE l.owner_id = :owner AND l.identifier IN (:viewer, 0, -1)
        AND a.account_id = l.owner_id AND a.tenant_id = :tenant
""")
_OF_VIEWER_IN = Sql("""
    SELECT l.mailbox_id, l.negative, l.rights FROM acl l CROSS JOIN account a
    WHERE l.owner_id = :owner AND l.mailbox_id = :mailbox AND l.identifier IN (:viewer, 0, -1)
        AND a.account_id = l.owner_id AND a.tenant_id = :tenant
""")
_THESE = Sql(f"""
    SELECT {COLUMNS} FROM mailbox
    WHERE owner_id = :owner AND mailbox_id IN (SELECT value FROM {{each mailboxes}}) ORDER BY name
""")  # noqa: S608


def acl(tenant: TenantId, owner: AccountId, mailbox: MailboxId) -> Steps[list[AclEntry]]:
    yield from _require_person(tenant, owner)
    yield from load(owner, mailbox)
    params: Params = {"tenant": tenant, "owner": owner, "mailbox": mailbox}
    rows = yield Run(_ENTRIES, params)
    found = []
    for identifier, address, negative, rights in rows:
        name = _GROUP_NAMES.get(integer(identifier), optional_text(address))
        if name is not None:
            found.append(AclEntry(name, bool(negative), Rights(integer(rights))))
    return sorted(found, key=lambda entry: (entry.identifier, entry.negative))


def change_acl(
    tenant: TenantId, owner: AccountId, mailbox: MailboxId, change: AclChange
) -> Steps[None]:
    yield from lock(owner)
    yield from _require_person(tenant, owner)
    yield from load(owner, mailbox)
    if not isinstance(change.identifier, Group):
        yield from _require_person(tenant, change.identifier)
    params: Params = {
        "owner": owner,
        "mailbox": mailbox,
        "identifier": _number(change.identifier),
        "negative": int(change.negative),
    }
    row = one((yield Run(_RIGHTS, params)))
    rights = change.applied(Rights.NONE if row is None else Rights(integer(row[0])))
    if rights:
        counted = yield Run(_COUNT, {"owner": owner, "mailbox": mailbox})
        if row is None and integer(counted[0][0]) >= MAX_ENTRIES:
            raise TooMany(
                phrase(
                    "a mailbox has rights for at most {most} identifiers",
                    most=MAX_ENTRIES,
                )
            )
        yield Run(_SET, {**params, "rights": int(rights)})
    else:
        yield Run(_REMOVE, params)
    yield from derive(owner)


def find_shared(viewer: Viewer, address: str, name: MailboxName) -> Steps[SharedMailbox | None]:
    params: Params = {"tenant": viewer.tenant, "address": address, "name": name}
    row = one((yield Run(_FIND, params)))
    if row is None:
        return None
    mailbox, (owner, _, _) = to_mailbox(row), row[-3:]
    rights = yield from rights_of(viewer, AccountId(integer(owner)), mailbox.mailbox_id)
    return _shared_mailbox(row[-3:], row, rights)


def shared(viewer: Viewer) -> Steps[list[SharedMailbox]]:
    params: Params = {"tenant": viewer.tenant, "viewer": viewer.account}
    owners = yield Run(_OWNERS, params)
    found = []
    for owner in owners:
        about: Params = {**params, "owner": integer(owner[0])}
        by_mailbox = _folded((yield Run(_OF_VIEWER, about)))
        visible = [mailbox for mailbox, rights in by_mailbox.items() if rights]
        rows = yield Run(_THESE, {"owner": integer(owner[0]), "mailboxes": visible})
        found += [_shared_mailbox(owner, row, by_mailbox[integer(row[0])]) for row in rows]
    return found


def rights_of(viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> Steps[Rights]:
    params: Params = {
        "tenant": viewer.tenant,
        "viewer": viewer.account,
        "owner": owner,
        "mailbox": mailbox,
    }
    return _folded((yield Run(_OF_VIEWER_IN, params))).get(mailbox, Rights.NONE)


def _require_person(tenant: TenantId, account: AccountId) -> Steps[None]:
    if not (yield Run(_PERSON, {"tenant": tenant, "account": account})):
        raise NotFound("there is no such account")


def _number(identifier: Identifier) -> int:
    return _GROUPS[identifier] if isinstance(identifier, Group) else identifier


def _folded(rows: Iterable[Row]) -> dict[int, Rights]:
    """Rights by mailbox: what any identifier of the viewer gives, less what any takes."""
    given: dict[int, Rights] = {}
    taken: dict[int, Rights] = {}
    for mailbox, negative, rights in rows:
        kind, key = taken if negative else given, integer(mailbox)
        kind[key] = kind.get(key, Rights.NONE) | Rights(integer(rights))
    return {key: rights & ~taken.get(key, Rights.NONE) for key, rights in given.items()}


def _shared_mailbox(owner: Sequence[object], row: Row, rights: Rights) -> SharedMailbox:
    return SharedMailbox(
        owner=AccountId(integer(owner[0])),
        address=text(owner[1]),
        of_shared_account=bool(owner[2]),
        mailbox=to_mailbox(row),
        rights=rights,
    )
