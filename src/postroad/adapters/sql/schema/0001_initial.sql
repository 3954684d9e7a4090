-- The first schema. {int}, {text}, {octets}, {wide} and {narrow} are rendered for each engine.
-- Owners: every table of mail begins its key with owner_id (see docs/design/store.md).

CREATE TABLE setting (
    name {text} PRIMARY KEY,
    value {text} NOT NULL
) {narrow};

CREATE TABLE sequence (
    name {text} PRIMARY KEY,
    next_value {int} NOT NULL
) {narrow};
INSERT INTO sequence (name, next_value) VALUES ('account', 1), ('tenant', 1);

CREATE TABLE tenant (
    tenant_id {int} PRIMARY KEY,
    name {text} NOT NULL UNIQUE,
    sending_account {int} NOT NULL,
    created_at {int} NOT NULL
) {wide};

CREATE TABLE domain (
    domain_id {text} PRIMARY KEY,
    tenant_id {int} NOT NULL REFERENCES tenant,
    name {text} NOT NULL UNIQUE,
    status {text} NOT NULL,
    catch_all {text},
    created_at {int} NOT NULL
) {wide};

CREATE TABLE dkim_key (
    domain {text} NOT NULL,
    selector {text} NOT NULL,
    algorithm {text} NOT NULL,
    sealed_key {octets} NOT NULL,
    public_record {text} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (domain, selector)
) {wide};

CREATE TABLE account (
    account_id {int} PRIMARY KEY,
    tenant_id {int} NOT NULL,
    address {text} NOT NULL UNIQUE,
    display_name {text} NOT NULL,
    role {text} NOT NULL,
    is_person {int} NOT NULL,
    auth_version {int} NOT NULL,
    disabled {int} NOT NULL,
    created_at {int} NOT NULL
) {wide};

CREATE TABLE alias (
    address {text} PRIMARY KEY,
    tenant_id {int} NOT NULL,
    targets {text} NOT NULL,
    created_at {int} NOT NULL
) {wide};

CREATE TABLE credential (
    account_id {int} NOT NULL,
    credential_id {text} NOT NULL,
    kind {text} NOT NULL,
    name {text} NOT NULL,
    verifier {text} NOT NULL,
    scopes {text} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (account_id, credential_id)
) {narrow};

CREATE TABLE api_key (
    key_id {text} PRIMARY KEY,
    tenant_id {int} NOT NULL,
    name {text} NOT NULL,
    token_hash {octets} NOT NULL UNIQUE,
    permission {text} NOT NULL,
    domain_id {text},
    created_at {int} NOT NULL,
    last_used_at {int}
) {wide};

-- The counters of an owner; every write transaction begins by changing or locking this row.
CREATE TABLE owner (
    owner_id {int} PRIMARY KEY,
    mod_seq {int} NOT NULL,
    next_id {int} NOT NULL,
    last_uid_validity {int} NOT NULL,
    used_octets {int} NOT NULL,
    quota_octets {int}
) {wide};

CREATE TABLE mailbox (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    name {text} NOT NULL,
    special_use {text},
    uid_validity {int} NOT NULL,
    uid_next {int} NOT NULL,
    mod_seq {int} NOT NULL,
    oldest_known_mod_seq {int} NOT NULL,
    messages {int} NOT NULL,
    octets {int} NOT NULL,
    selectable {int} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id)
) {wide};
CREATE UNIQUE INDEX mailbox_name ON mailbox (owner_id, name);
CREATE UNIQUE INDEX mailbox_special_use ON mailbox (owner_id, special_use)
    WHERE special_use IS NOT NULL;

CREATE TABLE subscription (
    owner_id {int} NOT NULL,
    name {text} NOT NULL,
    PRIMARY KEY (owner_id, name)
) {narrow};

-- Immutable: what was parsed once, at arrival.
CREATE TABLE email (
    owner_id {int} NOT NULL,
    email_id {int} NOT NULL,
    thread_id {int} NOT NULL,
    blob_id {octets} NOT NULL,
    delivery_id {text},
    size {int} NOT NULL,
    internal_date {int} NOT NULL,
    sent_at {int},
    sent_on {int},
    prepared_version {int} NOT NULL,
    envelope {octets} NOT NULL,
    body_structure {octets} NOT NULL,
    part_table {octets} NOT NULL,
    subject_base {text} NOT NULL,
    sort_from {text} NOT NULL,
    sort_to {text} NOT NULL,
    sort_cc {text} NOT NULL,
    preview {text} NOT NULL,
    body {octets} NOT NULL,
    envelope_utf8 {octets},
    body_structure_utf8 {octets},
    PRIMARY KEY (owner_id, email_id)
) {wide};
CREATE UNIQUE INDEX email_delivery ON email (owner_id, delivery_id)
    WHERE delivery_id IS NOT NULL;

CREATE TABLE thread_key (
    owner_id {int} NOT NULL,
    thread_key {int} NOT NULL,
    thread_id {int} NOT NULL,
    PRIMARY KEY (owner_id, thread_key)
) {narrow};

-- Narrow, and all that a STORE touches. No index on mod_seq: change rows answer for it.
CREATE TABLE placement (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    uid {int} NOT NULL,
    email_id {int} NOT NULL,
    flags {int} NOT NULL,
    keywords {text} NOT NULL,
    mod_seq {int} NOT NULL,
    saved_at {int} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, uid)
) {narrow};
CREATE INDEX placement_email ON placement (owner_id, email_id);

CREATE TABLE expunged (
    owner_id {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    uid {int} NOT NULL,
    email_id {int} NOT NULL,
    flags {int} NOT NULL,
    keywords {text} NOT NULL,
    expunged_at {int} NOT NULL,
    mailbox_name {text} NOT NULL,
    PRIMARY KEY (owner_id, mailbox_id, uid)
) {narrow};
CREATE INDEX expunged_email ON expunged (owner_id, email_id);
CREATE INDEX expunged_at ON expunged (expunged_at);

-- One row for an operation and mailbox, not one for a message.
CREATE TABLE change (
    owner_id {int} NOT NULL,
    mod_seq {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    kind {text} NOT NULL,
    uids {text} NOT NULL,
    changed_at {int} NOT NULL,
    PRIMARY KEY (owner_id, mod_seq, mailbox_id, kind)
) {narrow};

-- Which owner uses a blob, and how many of its rows do.
CREATE TABLE blob_ref (
    owner_id {int} NOT NULL,
    blob_id {octets} NOT NULL,
    uses {int} NOT NULL,
    PRIMARY KEY (blob_id, owner_id)
) {narrow};

-- Blobs that lost a reference and may have none left.
CREATE TABLE blob_garbage (
    blob_id {octets} PRIMARY KEY
) {narrow};

CREATE TABLE submission (
    owner_id {int} NOT NULL,
    submission_id {text} NOT NULL,
    trace_id {text} NOT NULL,
    source {text} NOT NULL,
    reverse_path {text} NOT NULL,
    blob_id {octets} NOT NULL,
    size {int} NOT NULL,
    needs {int} NOT NULL,
    created_at {int} NOT NULL,
    send_at {int} NOT NULL,
    settled_at {int},
    last_event {text} NOT NULL,
    api {octets} NOT NULL,
    PRIMARY KEY (owner_id, submission_id)
) {wide};
CREATE INDEX submission_settled ON submission (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX submission_id ON submission (submission_id);

CREATE TABLE recipient (
    owner_id {int} NOT NULL,
    submission_id {text} NOT NULL,
    number {int} NOT NULL,
    forward_path {text} NOT NULL,
    destination {text} NOT NULL,
    state {text} NOT NULL,
    attempts {int} NOT NULL,
    due_at {int},
    lease_token {text},
    first_attempt_at {int},
    delay_notified {int} NOT NULL,
    last_reply {text} NOT NULL,
    PRIMARY KEY (owner_id, submission_id, number)
) {narrow};
CREATE INDEX recipient_due ON recipient (due_at, destination) WHERE due_at IS NOT NULL;
-- What the operator lists and counts, however many are final.
CREATE INDEX recipient_waiting ON recipient (state)
    WHERE state IN ('queued', 'sending', 'held');

CREATE TABLE idempotency (
    owner_id {int} NOT NULL,
    idempotency_key {text} NOT NULL,
    request_hash {octets} NOT NULL,
    submission_ids {text} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (owner_id, idempotency_key)
) {narrow};
CREATE INDEX idempotency_created ON idempotency (created_at);

-- The story. Trace ids and event ids are ordered by time, so retention cuts a range.
CREATE TABLE event (
    owner_id {int} NOT NULL,
    trace_id {text} NOT NULL,
    event_id {octets} NOT NULL,
    kind {text} NOT NULL,
    happened_at {int} NOT NULL,
    recipient {text},
    details {text} NOT NULL,
    PRIMARY KEY (owner_id, trace_id, event_id)
) {narrow};
CREATE INDEX event_trace ON event (trace_id);
