-- +goose Up

-- Where namespaces of this path were moved to, the latest first: a JSON array of paths.
ALTER TABLE name ADD COLUMN moved_to TEXT;

-- What lies in a namespace, deleted or not: nothing may when its row goes.
CREATE INDEX name_parent ON name (pid);
