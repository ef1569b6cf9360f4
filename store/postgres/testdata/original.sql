-- A database of the original server in its last form, with one of everything.

CREATE SCHEMA hatrac;
SET search_path TO hatrac;

CREATE TABLE name (
    id               bigserial PRIMARY KEY,
    pid              int8 REFERENCES name (id),
    ancestors        int8[],
    name             text NOT NULL UNIQUE,
    subtype          int NOT NULL,
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
    metadata   jsonb NOT NULL,
    owner      text[],
    created_on timestamptz NOT NULL DEFAULT now(),
    UNIQUE (nameid, job)
);
CREATE TABLE chunk (
    uploadid int8 NOT NULL REFERENCES upload (id),
    position int8 NOT NULL,
    aux      json NOT NULL,
    UNIQUE (uploadid, position)
);
CREATE INDEX version_nameid_id_idx ON version (nameid, id);

INSERT INTO name (id, pid, ancestors, name, subtype, is_deleted, owner, "create", "update", read, "subtree-owner", "subtree-create", "subtree-update", "subtree-read") VALUES
(1, NULL, '{}', '/', 0, false, '{admin}', '{admin,NULL}', NULL, NULL, NULL, NULL, NULL, NULL),
(2, 1, '{1}', '/ns', 0, false, '{ada}', '{ada}', NULL, NULL, '{ada,NULL,curators}', '{NULL}', '{}', '{*}'),
(3, 2, '{1,2}', '/ns/plain', 1, false, '{ada}', NULL, '{bob}', NULL, NULL, NULL, NULL, NULL),
(4, 2, '{1,2}', '/ns/gone', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(5, 2, '{1,2}', '/ns/old', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(6, 2, '{1,2}', '/ns/new', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(7, 2, '{1,2}', '/ns/older', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(8, 2, '{1,2}', '/ns/elsewhere', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(9, 2, '{1,2}', '/ns/s3', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(10, 2, '{1,2}', '/ns/T%c3%a9l%2d1', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(11, 2, '{1,2}', '/ns/alias', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(12, 2, '{1,2}', '/ns/sub%2Dns', 0, false, '{bob}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(13, 12, '{1,2,12}', '/ns/sub%2Dns/a+b', 1, false, '{bob}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(14, 2, '{1,2}', '/ns/twin', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(15, 2, '{1,2}', '/ns/tw%69n', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(16, 2, '{1,2}', '/ns/two', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(17, 2, '{1,2}', '/ns/tw%6F', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(18, 1, '{1}', '/dropped', 0, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(19, 18, '{1,18}', '/dropped/child', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(20, 2, '{1,2}', '/ns/upload', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(21, 2, '{1,2}', '/ns/halfway', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(22, 2, '{1,2}', '/ns/deadend', 1, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(23, 2, '{1,2}', '/ns/left', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(24, 2, '{1,2}', '/ns/private', 0, false, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(25, 2, '{1,2}', '/ns/ghost%20%7e', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(26, 2, '{1,2}', '/ns/broken%2', 1, true, '{ada}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- The digests are those of "one" in hex, and of "two!" in base64 and in upper case.
INSERT INTO version (id, nameid, version, nbytes, metadata, is_deleted, owner, read, aux) VALUES
(101, 3, 'V1', 3, '{"content-type": "text/plain", "content-md5": "f97c5d29941bfb1b2fdab0874906ab82"}', false, '{ada}', '{carol,NULL}', NULL),
(102, 3, 'V0', 4, '{"content-md5": "n1ttmgNNF1hov1k4hbfcTg==", "content-disposition": "filename*=UTF-8''''two.txt", "content-sha256": "A97B629A5B1DA759586C3353A9BC284BF673970D8ECA56E11E556B715C329614"}', false, '{ada}', NULL, 'null'),
(103, 3, 'V3', 5, '{}', true, '{ada}', NULL, NULL),
(104, 4, 'G1', 5, '{}', true, '{ada}', NULL, NULL),
(105, 7, 'R1', 7, '{}', false, '{ada}', NULL, '{"rename_to": ["/ns/old", "R1"]}'),
(106, 5, 'R1', 7, '{}', false, '{ada}', NULL, '{"rename_to": ["/ns/new", "R1"]}'),
(107, 6, 'R1', 7, '{"content-type": "text/plain"}', false, '{ada}', NULL, '{"hname": "/ns/older", "hversion": "R1"}'),
(108, 8, 'E1', 9, '{}', false, '{ada}', NULL, '{"url": "https://archive.example.org/e1"}'),
(109, 9, 'S/1', 9, '{}', false, '{ada}', NULL, '{"version": "3/L4kqtJ+x"}'),
(110, 9, 'S2', 9, '{}', false, '{ada}', NULL, '{"hname": "/ns/s3old", "hversion": "H1", "version": "obj.2"}'),
(111, 10, 'N1', 5, '{"content-md5": "no digest at all"}', false, '{ada}', NULL, NULL),
(112, 11, 'A1', 5, '{}', false, '{ada}', NULL, '{"rename_to": ["/ns/T%c3%a9l%2d1", "N1"]}'),
(113, 13, 'C1', 5, 'null', false, '{bob}', '{bob}', NULL),
(114, 14, 'W1', 5, '{}', true, '{ada}', NULL, NULL),
(115, 15, 'W2', 5, '{}', false, '{ada}', NULL, NULL),
(116, 16, 'X1', 5, '{}', false, '{ada}', NULL, NULL),
(117, 17, 'X2', 5, '{}', true, '{ada}', NULL, NULL),
(118, 19, 'D1', 5, '{}', true, '{ada}', NULL, NULL),
(119, 21, NULL, NULL, NULL, true, '{ada}', NULL, NULL),
(120, 22, 'Z1', 5, '{}', false, '{ada}', NULL, '{"rename_to": ["/ns/gone", "G1"]}'),
(121, 23, 'L1', 5, '{}', false, '{ada}', NULL, NULL);

INSERT INTO upload (id, nameid, job, nbytes, chunksize, metadata, owner, created_on) VALUES
(201, 20, 'WHOLE', 10, 4, '{"content-type": "text/plain", "content-md5": "781E5E245D69B566979B86E28D23F2C7"}', '{ada}', '2020-02-03 04:05:06Z'),
(202, 20, 'BLIND', 10, 4, '{}', '{ada}', '2020-02-03 04:05:06Z'),
(203, 10, 'version.3/UPLOAD', 10, 4, '{}', '{ada}', '2020-02-03 04:05:06Z');
INSERT INTO chunk (uploadid, position, aux) VALUES (203, 0, '{"etag": "\"abc\""}'), (203, 1, 'null');

SELECT setval('name_id_seq', 26), setval('version_id_seq', 121), setval('upload_id_seq', 203);
