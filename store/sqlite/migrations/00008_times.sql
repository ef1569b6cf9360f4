-- +goose Up

-- When the file was last accessed, as far as somebody said so, and last changed in any way.
ALTER TABLE name ADD COLUMN atime INTEGER;
ALTER TABLE name ADD COLUMN ctime INTEGER;
ALTER TABLE version ADD COLUMN atime INTEGER;
ALTER TABLE version ADD COLUMN ctime INTEGER;

-- Versions that are no forwarding records, of which a name may have any number.
CREATE INDEX version_held ON version (nameid, id) WHERE is_deleted = 0 AND forward_name IS NULL;
