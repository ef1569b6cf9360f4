-- +goose Up

-- When a version became a forwarding record; null means unknown.
ALTER TABLE version ADD COLUMN forwarded_on timestamptz;

-- What was current at a time: versions by the time of their binding, unknown ones first.
CREATE INDEX version_past ON version (nameid, coalesce(created_on, '-infinity'::timestamptz), id);

-- Children that are live, or were.
CREATE INDEX name_past ON name (pid, name COLLATE "C");

-- When an object, which may be gone, held a version that was renamed away from it and came back.
-- The id is that which the version had then; until is the time when it was renamed away,
-- deleted_on that when the record which it left was deleted.
CREATE TABLE former (
    id         int8 PRIMARY KEY,
    nameid     int8 NOT NULL,
    version    text NOT NULL,
    created_on timestamptz,
    until      timestamptz NOT NULL,
    deleted_on timestamptz
);

CREATE INDEX former_past ON former (nameid, coalesce(created_on, '-infinity'::timestamptz), id);
