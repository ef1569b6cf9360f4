-- The tables that Hatrac has had from its beginning. Databases that hold them already begin
-- with the next migration.

-- +goose Up
CREATE TABLE name (
    id               bigserial PRIMARY KEY,
    pid              int8 REFERENCES name (id),
    ancestors        int8[],
    name             text NOT NULL UNIQUE,
    subtype          int  NOT NULL,
    is_deleted       bool NOT NULL,
    owner            text[],
    "create"         text[],
    "update"         text[],
    read             text[],
    "subtree-owner"  text[],
    "subtree-create" text[],
    "subtree-update" text[],
    "subtree-read"   text[]
);

CREATE TABLE version (
    id         bigserial PRIMARY KEY,
    nameid     int8 NOT NULL REFERENCES name (id),
    version    text,
    nbytes     int8,
    metadata   jsonb,
    is_deleted bool NOT NULL,
    owner      text[],
    read       text[],
    aux        json,
    UNIQUE (nameid, version)
);

CREATE TABLE upload (
    id         bigserial PRIMARY KEY,
    nameid     int8 NOT NULL REFERENCES name (id),
    job        text NOT NULL,
    nbytes     int8 NOT NULL,
    chunksize  int8 NOT NULL,
    metadata   jsonb,
    owner      text[],
    created_on timestamptz,
    UNIQUE (nameid, job)
);

CREATE TABLE chunk (
    uploadid int8 NOT NULL REFERENCES upload (id),
    position int8 NOT NULL,
    aux      json,
    UNIQUE (uploadid, position)
);
