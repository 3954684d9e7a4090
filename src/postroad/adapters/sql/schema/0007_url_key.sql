-- Keys that authorize URLs of messages (RFC 4467 section 2.3): the viewer's, for a mailbox.

CREATE TABLE url_key (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    viewer_id {int} NOT NULL,
    secret {octets} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, viewer_id)
) {narrow};
CREATE INDEX url_key_viewer ON url_key (viewer_id, owner_id);
