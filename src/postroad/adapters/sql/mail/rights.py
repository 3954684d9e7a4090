"""Rights that come and go with mailboxes and accounts.

`shared_with` says whose mailboxes a viewer has to look at. It is made anew from an owner's rights
in the transaction that changes them, so nobody's login has to look at all accounts.
"""

from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.model.ids import AccountId, MailboxId, TenantId

_FORGET_SHARED = Sql("DELETE FROM shared_with WHERE owner_id = :owner")
_SHARED = Sql("""
    INSERT INTO shared_with (tenant_id, viewer_id, owner_id)
    SELECT DISTINCT a.tenant_id, CASE WHEN l.identifier < 1 THEN 0 ELSE l.identifier END,
        l.owner_id
    FROM acl l JOIN account a ON a.account_id = l.owner_id
    WHERE l.owner_id = :owner AND l.negative = 0
""")
_FORGET_MAILBOX = Sql("""
    DELETE FROM acl WHERE owner_id = :owner AND mailbox_id = :mailbox RETURNING identifier
""")
_FORGET_METADATA = Sql("""
    DELETE FROM metadata WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_FORGET_URL_KEYS = Sql("""
    DELETE FROM url_key WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_INHERIT = Sql("""
    INSERT INTO acl (owner_id, mailbox_id, identifier, negative, rights)
    SELECT owner_id, CAST(:mailbox AS BIGINT), identifier, negative, rights FROM acl
    WHERE owner_id = :owner AND mailbox_id = :parent
    ON CONFLICT DO NOTHING
""")
_FORGET_PERSON = [
    Sql("""
        DELETE FROM acl WHERE identifier = :account AND EXISTS (
            SELECT 1 FROM account a WHERE a.account_id = acl.owner_id AND a.tenant_id = :tenant
        )
    """),
    Sql("DELETE FROM shared_with WHERE tenant_id = :tenant AND viewer_id = :account"),
    Sql("""
        DELETE FROM viewer_seen WHERE viewer_id = :account AND EXISTS (
            SELECT 1 FROM account a
            WHERE a.account_id = viewer_seen.owner_id AND a.tenant_id = :tenant
        )
    """),
    Sql("""
        DELETE FROM metadata WHERE viewer_id = :account AND EXISTS (
            SELECT 1 FROM account a
            WHERE a.account_id = metadata.owner_id AND a.tenant_id = :tenant
        )
    """),
    Sql("""
        DELETE FROM url_key WHERE viewer_id = :account AND EXISTS (
            SELECT 1 FROM account a
            WHERE a.account_id = url_key.owner_id AND a.tenant_id = :tenant
        )
    """),
]


def inherit(owner: AccountId, mailbox: MailboxId, parent: MailboxId) -> Steps[None]:
    """A new mailbox gets the rights of the one above it (RFC 4314 section 4)."""
    yield Run(_INHERIT, {"owner": owner, "mailbox": mailbox, "parent": parent})


def forget_mailbox(owner: AccountId, mailbox: MailboxId) -> Steps[None]:
    """The mailbox goes, its rights (RFC 4314 section 4) and annotations (RFC 5464) with it."""
    yield Run(_FORGET_METADATA, {"owner": owner, "mailbox": mailbox})
    yield Run(_FORGET_URL_KEYS, {"owner": owner, "mailbox": mailbox})
    if (yield Run(_FORGET_MAILBOX, {"owner": owner, "mailbox": mailbox})):
        yield from derive(owner)


def forget_person(tenant: TenantId, account: AccountId) -> Steps[None]:
    """Nobody who comes later may have what this person had."""
    for statement in _FORGET_PERSON:
        yield Run(statement, {"tenant": tenant, "account": account})


def derive(owner: AccountId) -> Steps[None]:
    """Say anew who has to look at the owner's mailboxes."""
    yield Run(_FORGET_SHARED, {"owner": owner})
    yield Run(_SHARED, {"owner": owner})
