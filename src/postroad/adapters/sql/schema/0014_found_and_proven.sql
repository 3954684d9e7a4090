-- A story is found by the Message-ID that its first event names: by a hash, and the newest first.
-- Events from before have none, and are found by the ids of the story and of the submission.

ALTER TABLE event ADD COLUMN message_key {int};
CREATE INDEX event_message ON event (message_key, happened_at) WHERE message_key IS NOT NULL;

-- Whether a tenant has ever shown that a domain is its own; until then another one may.
ALTER TABLE domain ADD COLUMN was_verified {int} NOT NULL DEFAULT 0;
UPDATE domain SET was_verified = 1 WHERE status = 'verified';
