-- +goose Up

-- When a version became a forwarding record; null means unknown.
ALTER TABLE version ADD COLUMN forwarded_on INTEGER;

-- What was current at a time: versions by the time of their binding, unknown ones first.
CREATE INDEX version_past ON version (nameid, coalesce(created_on, 0x8000000000000000), id);

-- Children that are live, or were.
CREATE INDEX name_past ON name (pid, name);
