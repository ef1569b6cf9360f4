-- Forwarding records by the id of what they forward.

-- +goose Up
CREATE INDEX version_record ON version (version) WHERE aux ->> 'rename_to' IS NOT NULL AND NOT is_deleted;

-- A version may be away more than once, and keep its id when it comes back to its place; deleted_on is
-- when it did.
ALTER TABLE former DROP CONSTRAINT former_pkey;
ALTER TABLE former ADD PRIMARY KEY (id, until);
DROP INDEX former_past;
CREATE INDEX former_past ON former (nameid, coalesce(created_on, '-infinity'::timestamptz), id, until DESC);
