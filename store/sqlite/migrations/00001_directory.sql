-- Times are nanoseconds since the epoch; null means unknown. Access control lists and
-- metadata are JSON objects. Null POSIX attributes are unknown ones.

-- +goose Up
CREATE TABLE name (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    pid        INTEGER REFERENCES name (id),
    name       TEXT    NOT NULL UNIQUE,
    subtype    INTEGER NOT NULL CHECK (subtype IN (0, 1)),
    is_deleted INTEGER NOT NULL DEFAULT 0,
    acls       TEXT    NOT NULL,
    changes    INTEGER NOT NULL DEFAULT 0,
    current    INTEGER,
    created_on INTEGER,
    deleted_on INTEGER,
    mtime      INTEGER,
    mode       INTEGER,
    uid        INTEGER,
    gid        INTEGER,
    ino        INTEGER
) STRICT;

CREATE INDEX name_children ON name (pid, name) WHERE is_deleted = 0;

CREATE TABLE version (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    nameid          INTEGER NOT NULL REFERENCES name (id),
    version         TEXT    NOT NULL,
    nbytes          INTEGER NOT NULL,
    metadata        TEXT    NOT NULL,
    acls            TEXT    NOT NULL,
    is_deleted      INTEGER NOT NULL DEFAULT 0,
    created_on      INTEGER,
    deleted_on      INTEGER,
    sha256          BLOB,
    mtime           INTEGER,
    mode            INTEGER,
    uid             INTEGER,
    gid             INTEGER,
    ino             INTEGER,
    address         TEXT,
    inline          INTEGER NOT NULL DEFAULT 0,
    forward_name    TEXT,
    forward_version TEXT,
    UNIQUE (nameid, version)
) STRICT;

CREATE INDEX version_live ON version (nameid, id) WHERE is_deleted = 0;
CREATE INDEX version_address ON version (address) WHERE is_deleted = 0 AND address IS NOT NULL;

-- Small content stands apart, so that listings do not read past it. Its due is null as
-- long as a live version refers to it.
CREATE TABLE content (
    versionid INTEGER PRIMARY KEY REFERENCES version (id),
    due       INTEGER,
    bytes     BLOB NOT NULL
) STRICT;

CREATE INDEX content_due ON content (due) WHERE due IS NOT NULL;

CREATE TABLE reclaim (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    due     INTEGER NOT NULL,
    address TEXT    NOT NULL
) STRICT;

CREATE INDEX reclaim_due ON reclaim (due);
CREATE INDEX reclaim_address ON reclaim (address);

CREATE TABLE user (
    name       TEXT PRIMARY KEY,
    roles      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    created_on INTEGER
) STRICT;

CREATE TABLE session (
    key     BLOB PRIMARY KEY,
    user    TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    since   INTEGER,
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX session_user ON session (user);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE token (
    id         TEXT PRIMARY KEY,
    user       TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    note       TEXT NOT NULL,
    secret     BLOB NOT NULL UNIQUE,
    created_on INTEGER,
    expires    INTEGER
) STRICT;

CREATE INDEX token_user ON token (user);
CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL;
