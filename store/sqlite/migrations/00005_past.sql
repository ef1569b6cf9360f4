-- +goose Up

-- When a version became a forwarding record; null means unknown.
ALTER TABLE version ADD COLUMN forwarded_on INTEGER;

-- What was current at a time: versions by the time of their binding, unknown ones first.
CREATE INDEX version_past ON version (nameid, coalesce(created_on, 0x8000000000000000), id);

-- Children that are live, or were.
CREATE INDEX name_past ON name (pid, name);

-- When an object, which may be gone, held a version that was renamed away from it and came back.
-- The id is that which the version had then; until is the time when it was renamed away,
-- deleted_on that when the record which it left was deleted.
CREATE TABLE former (
    id         INTEGER PRIMARY KEY,
    nameid     INTEGER NOT NULL,
    version    TEXT    NOT NULL,
    created_on INTEGER,
    until      INTEGER NOT NULL,
    deleted_on INTEGER
) STRICT;

CREATE INDEX former_past ON former (nameid, coalesce(created_on, 0x8000000000000000), id);
