-- Who serves this installation: a row for each server that runs, with its last word.
CREATE TABLE node (
    node_id {text} PRIMARY KEY,
    hostname {text} NOT NULL,
    version {text} NOT NULL,
    workers {int} NOT NULL,
    state {text} NOT NULL,
    started_at {int} NOT NULL,
    seen_at {int} NOT NULL,
    connections {int} NOT NULL
) {narrow};
