-- What lists and threads ask of a header, beside `email` so that the rows of both stay dense.
-- Emails that came before have no row, and the blob answers for them.

CREATE TABLE email_header (
    owner_id {int} NOT NULL,
    email_id {int} NOT NULL,
    header_fields {octets},
    origin {octets} NOT NULL,
    PRIMARY KEY (owner_id, email_id)
) {narrow};
