-- +goose Up

-- Forwarding records by the id of what they forward.
CREATE INDEX version_record ON version (version) WHERE forward_name IS NOT NULL AND is_deleted = 0;

-- A version may be away more than once, and keep its id when it comes back to its place; deleted_on is
-- when it did.
ALTER TABLE former RENAME TO former_once;
DROP INDEX former_past;
CREATE TABLE former (
    id         INTEGER NOT NULL,
    nameid     INTEGER NOT NULL,
    version    TEXT    NOT NULL,
    created_on INTEGER,
    until      INTEGER NOT NULL,
    deleted_on INTEGER,
    PRIMARY KEY (id, until)
) STRICT, WITHOUT ROWID;
INSERT INTO former (id, nameid, version, created_on, until, deleted_on)
SELECT id, nameid, version, created_on, until, deleted_on FROM former_once;
DROP TABLE former_once;
CREATE INDEX former_past ON former (nameid, coalesce(created_on, 0x8000000000000000), id, until DESC);
