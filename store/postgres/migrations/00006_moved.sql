-- Where namespaces of this path were moved to, the latest first.

-- +goose Up
ALTER TABLE name ADD COLUMN moved_to text[];

-- What lies in a namespace, deleted or not: nothing may when its row goes.
CREATE INDEX name_parent ON name (pid);
