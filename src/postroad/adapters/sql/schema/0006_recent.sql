-- \Recent (RFC 3501 section 2.3.2): no session was told yet of UIDs from this one on.
ALTER TABLE mailbox ADD COLUMN first_recent {int} NOT NULL DEFAULT 1;
UPDATE mailbox SET first_recent = uid_next;
