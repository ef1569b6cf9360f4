-- When the file was last accessed, as far as somebody said so, and last changed in any way: in
-- nanoseconds since the epoch.

-- +goose Up
ALTER TABLE name
    ADD COLUMN atime int8,
    ADD COLUMN ctime int8;

ALTER TABLE version
    ADD COLUMN atime int8,
    ADD COLUMN ctime int8;

-- Versions that are no forwarding records, of which a name may have any number.
CREATE INDEX version_held ON version (nameid, id) WHERE NOT is_deleted AND aux ->> 'rename_to' IS NULL;
