-- +goose Up

-- A row is an upload in chunks that is under way; what is over is gone.
CREATE TABLE upload (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    nameid       INTEGER NOT NULL REFERENCES name (id),
    job          TEXT    NOT NULL,
    nbytes       INTEGER NOT NULL,
    chunksize    INTEGER NOT NULL,
    metadata     TEXT    NOT NULL,
    acls         TEXT    NOT NULL,
    created_on   INTEGER,
    active_on    INTEGER NOT NULL,
    address      TEXT,
    digest_bytes INTEGER NOT NULL DEFAULT 0,
    digest_state BLOB,
    UNIQUE (nameid, job)
) STRICT;

CREATE INDEX upload_name ON upload (nameid, id);
CREATE INDEX upload_active ON upload (active_on);
CREATE INDEX upload_address ON upload (address) WHERE address IS NOT NULL;

-- The chunks that were received.
CREATE TABLE chunk (
    uploadid INTEGER NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    tag      TEXT    NOT NULL,
    PRIMARY KEY (uploadid, position)
) STRICT, WITHOUT ROWID;

-- Content is taken once somebody was told to remove it: it cannot be restored any more.
ALTER TABLE reclaim ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
