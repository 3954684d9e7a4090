-- Virtual mailboxes: saved searches with UIDs of their own. Their ids are negative.
CREATE TABLE virtual_mailbox (
    owner_id {int} NOT NULL,
    virtual_id {int} NOT NULL,
    name {text} NOT NULL,
    special_use {text},
    search {text} NOT NULL,
    within {text} NOT NULL,
    uid_validity {int} NOT NULL,
    uid_next {int} NOT NULL,
    mod_seq {int} NOT NULL,
    oldest_known_mod_seq {int} NOT NULL,
    messages {int} NOT NULL,
    octets {int} NOT NULL,
    folded {int} NOT NULL,
    scope {text} NOT NULL,
    PRIMARY KEY (owner_id, virtual_id)
) {narrow};
CREATE UNIQUE INDEX virtual_mailbox_name ON virtual_mailbox (owner_id, name);

CREATE TABLE virtual_placement (
    owner_id {int} NOT NULL,
    virtual_id {int} NOT NULL,
    uid {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    real_uid {int} NOT NULL,
    size {int} NOT NULL,
    mod_seq {int} NOT NULL,
    PRIMARY KEY (owner_id, virtual_id, uid)
) {narrow};
CREATE UNIQUE INDEX virtual_placement_real
    ON virtual_placement (owner_id, virtual_id, mailbox_id, real_uid);
