-- Sharing of mailboxes between the accounts of a tenant (see docs/design/store.md).

-- A shared account has mailboxes and no login.
ALTER TABLE account ADD COLUMN is_shared {int} NOT NULL DEFAULT 0;

-- Rights of RFC 4314 as bits. identifier: an account, 0 for anyone, -1 for authenticated.
CREATE TABLE acl (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    identifier {int} NOT NULL,
    negative {int} NOT NULL,
    rights {int} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, identifier, negative)
) {narrow};
CREATE INDEX acl_identifier ON acl (identifier, owner_id);

-- Derived from acl: whose mailboxes a viewer has to look at. viewer_id 0: everybody's.
CREATE TABLE shared_with (
    tenant_id {int} NOT NULL,
    viewer_id {int} NOT NULL,
    owner_id {int} NOT NULL,
    PRIMARY KEY (tenant_id, viewer_id, owner_id)
) {narrow};
CREATE INDEX shared_with_owner ON shared_with (owner_id);

-- What somebody else than the owner has seen of a mailbox. seen 0: was seen once.
CREATE TABLE viewer_seen (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    uid {int} NOT NULL,
    viewer_id {int} NOT NULL,
    seen {int} NOT NULL,
    mod_seq {int} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, uid, viewer_id)
) {narrow};
CREATE INDEX viewer_seen_viewer ON viewer_seen (viewer_id, owner_id);
