-- Annotations of mailboxes and of the server (RFC 5464). mailbox_id 0: the server, whose shared
-- ones lie with the tenant's sending account and whose private ones with the viewer.
-- viewer_id 0: shared by all who see the mailbox; else whose own they are.

CREATE TABLE metadata (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    viewer_id {int} NOT NULL,
    entry {text} NOT NULL,
    value {octets} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, viewer_id, entry)
) {wide};
CREATE INDEX metadata_viewer ON metadata (viewer_id, owner_id);
