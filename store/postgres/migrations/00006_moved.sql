-- Where namespaces of this path were moved to, the latest first.

-- +goose Up
ALTER TABLE name ADD COLUMN moved_to text[];
