-- Limits of RFC 9208 beside that on octets; NULL is no limit. What is used is counted.
ALTER TABLE owner ADD COLUMN quota_messages {int};
ALTER TABLE owner ADD COLUMN quota_mailboxes {int};
