-- +goose Up

-- Where the content of a version lives outside of this store.
ALTER TABLE version ADD COLUMN url TEXT;
