-- +goose Up

-- The process that has yet to make the version durable; null if it is.
ALTER TABLE version ADD COLUMN unsynced TEXT;

CREATE INDEX version_unsynced ON version (id) WHERE unsynced IS NOT NULL;

-- A row that is written to when a commit needs something to write.
CREATE TABLE sync_mark (
    id     INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;
INSERT INTO sync_mark (id, number) VALUES (0, 0);
