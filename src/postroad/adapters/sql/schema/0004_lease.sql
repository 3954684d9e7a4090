-- Which process does what only one should do at a time; whoever's lease has lapsed loses it.
CREATE TABLE lease (
    name {text} PRIMARY KEY,
    token {text} NOT NULL,
    lapses_at {int} NOT NULL
) {narrow};
