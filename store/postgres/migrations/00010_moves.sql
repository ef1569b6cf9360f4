-- Where a namespace was, as the child of pid, until it was moved. What happened before this table was
-- there counts as always so.

-- +goose Up
CREATE TABLE moved (
    id      bigserial PRIMARY KEY,
    nameid  int8 NOT NULL,
    pid     int8 NOT NULL,
    segment text NOT NULL,
    until   timestamptz NOT NULL
);

CREATE INDEX moved_place ON moved (pid, segment COLLATE "C", until, id);
CREATE INDEX moved_name ON moved (nameid, until, id);
