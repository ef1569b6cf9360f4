-- Null in a column that is added here means unknown, as in rows that are older than it. mtime
-- is in nanoseconds since the epoch.

-- +goose Up
ALTER TABLE name
    ADD COLUMN created_on      timestamptz,
    ADD COLUMN deleted_on      timestamptz,
    ADD COLUMN mtime           int8,
    ADD COLUMN mode            int8,
    ADD COLUMN uid             int8,
    ADD COLUMN gid             int8,
    ADD COLUMN ino             int8,
    ADD COLUMN current_version int8,
    ADD COLUMN changes         int8;

ALTER TABLE version
    ADD COLUMN created_on timestamptz,
    ADD COLUMN deleted_on timestamptz,
    ADD COLUMN mtime      int8,
    ADD COLUMN mode       int8,
    ADD COLUMN uid        int8,
    ADD COLUMN gid        int8,
    ADD COLUMN ino        int8,
    ADD COLUMN sha256     bytea,
    ADD COLUMN address    text,
    ADD COLUMN inline     bool;

ALTER TABLE upload
    ADD COLUMN active_on    timestamptz,
    ADD COLUMN address      text,
    ADD COLUMN digest_bytes int8,
    ADD COLUMN digest_state bytea;

-- Small content stands apart, so that listings do not read past it. Its due is null as
-- long as a live version refers to it.
CREATE TABLE content (
    versionid int8 PRIMARY KEY REFERENCES version (id),
    due       timestamptz,
    bytes     bytea NOT NULL
);

-- Content is taken once somebody was told to remove it: it cannot be restored any more.
CREATE TABLE reclaim (
    id      bigserial PRIMARY KEY,
    due     timestamptz NOT NULL,
    address text NOT NULL,
    taken   bool NOT NULL DEFAULT false
);

CREATE TABLE account (
    name       text PRIMARY KEY,
    roles      text[],
    hash       text NOT NULL,
    created_on timestamptz
);

CREATE TABLE account_session (
    key     bytea PRIMARY KEY,
    account text NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    since   timestamptz,
    expires timestamptz NOT NULL
);

CREATE TABLE account_token (
    id         text PRIMARY KEY,
    number     bigserial NOT NULL,
    account    text NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    note       text NOT NULL,
    secret     bytea NOT NULL UNIQUE,
    created_on timestamptz,
    expires    timestamptz
);

-- Names sort by bytes, whatever the collation of the database.
CREATE INDEX name_path ON name (name COLLATE "C");
CREATE INDEX name_children ON name (pid, name COLLATE "C") WHERE NOT is_deleted;
CREATE INDEX version_live ON version (nameid, id) WHERE NOT is_deleted;
CREATE INDEX version_address ON version (address) WHERE NOT is_deleted AND address IS NOT NULL;
CREATE INDEX upload_name ON upload (nameid, id);
CREATE INDEX upload_active ON upload (active_on, id);
CREATE INDEX upload_address ON upload (address) WHERE address IS NOT NULL;
CREATE INDEX content_due ON content (due) WHERE due IS NOT NULL;
CREATE INDEX reclaim_due ON reclaim (due, id);
CREATE INDEX reclaim_address ON reclaim (address);
CREATE INDEX account_session_account ON account_session (account);
CREATE INDEX account_session_expires ON account_session (expires);
CREATE INDEX account_token_account ON account_token (account);
CREATE INDEX account_token_expires ON account_token (expires) WHERE expires IS NOT NULL;
