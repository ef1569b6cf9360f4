-- A database of the original server in its oldest form: names know neither parents nor ancestors,
-- versions have columns for two fields of metadata, and there is no aux anywhere. Its sequences
-- lag behind, as after rows were copied in.

CREATE SCHEMA hatrac;
SET search_path TO hatrac;

CREATE TABLE name (
    id              bigserial PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    subtype         int NOT NULL,
    is_deleted      bool NOT NULL,
    owner           text[],
    "create"        text[],
    "update"        text[],
    read            text[],
    "subtree-owner" text[],
    "subtree-read"  text[]
);
CREATE TABLE version (
    id           bigserial PRIMARY KEY,
    nameid       int8 NOT NULL REFERENCES name (id),
    version      text,
    nbytes       int8,
    content_type text NOT NULL,
    content_md5  text,
    is_deleted   bool NOT NULL,
    owner        text[],
    read         text[],
    UNIQUE (nameid, version)
);
CREATE TABLE upload (
    id           bigserial PRIMARY KEY,
    nameid       int8 NOT NULL REFERENCES name (id),
    job          text NOT NULL,
    nbytes       int8 NOT NULL,
    chunksize    int8 NOT NULL,
    content_type text,
    content_md5  text,
    owner        text[]
);
CREATE TABLE chunk (
    uploadid int8 NOT NULL REFERENCES upload (id),
    position int8 NOT NULL
);

INSERT INTO name (id, name, subtype, is_deleted, owner, read, "subtree-owner", "subtree-read") VALUES
(7, '/', 0, false, '{admin}', NULL, NULL, NULL),
(3, '/a/b', 0, false, '{ada}', NULL, NULL, NULL),
(5, '/a', 0, false, '{ada}', NULL, '{ada}', '{*,NULL}'),
(9, '/a/b/o', 1, false, '{ada}', '{bob}', NULL, NULL),
(11, '/a//c%2e', 1, false, '{ada}', NULL, NULL, NULL),
(13, '/a/x', 1, true, '{ada}', NULL, NULL, NULL);

INSERT INTO version (id, nameid, version, nbytes, content_type, content_md5, is_deleted, owner, read) VALUES
(1, 9, 'AAAA', 3, 'text/plain', '+XxdKZQb+xsv2rCHSQargg==', false, '{ada}', NULL),
(2, 9, 'BBBB', 3, '', 'F97C5D29941BFB1B2FDAB0874906AB82', false, '{ada}', NULL),
(3, 9, 'CCCC', 3, '', NULL, true, '{ada}', NULL),
(4, 11, 'DDDD', 3, '', '\xf97c5d29941bfb1b2fdab0874906ab82', false, '{ada}', NULL);

INSERT INTO upload (id, nameid, job, nbytes, chunksize, content_type, content_md5, owner) VALUES
(4, 9, 'OLDJOB', 10, 4, 'text/plain', 'eB5eJF1ptWaXm4bijSPyxw==', '{ada}');
