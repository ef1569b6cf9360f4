-- +goose Up

-- Where a namespace was, as the child of pid, until it was moved. What happened before this table was
-- there counts as always so.
CREATE TABLE moved (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    nameid  INTEGER NOT NULL,
    pid     INTEGER NOT NULL,
    segment TEXT    NOT NULL,
    until   INTEGER NOT NULL
) STRICT;

CREATE INDEX moved_place ON moved (pid, segment, until);
CREATE INDEX moved_name ON moved (nameid, until);
