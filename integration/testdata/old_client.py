"""Does what clients of the original protocol do, with the library that they use, and checks what
comes back. It is called with the URL of the store, a user, and the one role of the user, who may
create in the root; the password comes from the standard input.
"""

import base64
import hashlib
import os
import sys
import tempfile
import urllib.parse

import requests

STORE, USER, ROLE = sys.argv[1:4]
PASSWORD = sys.stdin.readline().rstrip("\n")
SERVER = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(STORE))
PREFIX = urllib.parse.urlsplit(STORE).path
NAMESPACE = {"Content-Type": "application/x-hatrac-namespace"}


class Client:
    """One program with its cookies. It adds a client id to every request."""

    def __init__(self):
        self.http = requests.Session()
        self.http.headers["deriva-client-context"] = '{"cid":"test"}'

    def ask(self, status, method, path, **more):
        """Sends a request that must be answered with the status."""
        url = path if path.startswith("http") else STORE + path
        params = {"cid": "test", **more.pop("params", {})}
        r = self.http.request(method, url, params=params, allow_redirects=False, **more)
        same(status, r.status_code, "%s %s: %s" % (method, path, r.text[:300]))
        return r

    def made(self, path, **more):
        """Creates something and returns its path without prefix."""
        r = self.ask(201, more.pop("method", "PUT"), path, **more)
        same("text/uri-list", r.headers["Content-Type"], path)
        url = r.text[:-1]  # old clients take the newline off like this
        same(url + "\n", r.text, path)
        same(url, r.headers["Location"], path)
        assert url.startswith(PREFIX + "/"), url
        return url[len(PREFIX):]


def same(want, got, about):
    assert want == got, "%s: got %r, want %r" % (about, got, want)


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def session(c):
    at = SERVER + "/authn/session"
    c.ask(404, "GET", at)
    c.ask(401, "GET", "/")
    c.ask(400, "POST", at, data={"username": USER})
    c.ask(401, "POST", at, data={"username": USER, "password": "wrong"})
    r = c.ask(200, "POST", at, data={"username": USER, "password": PASSWORD})
    same(USER, r.json()["client"]["id"], "login")
    assert "HttpOnly" in r.headers["Set-Cookie"], r.headers["Set-Cookie"]
    c.ask(409, "POST", at, data={"username": USER, "password": PASSWORD})
    for method in ("GET", "PUT"):
        document = c.ask(200, method, at, params={"referrer": "http://x/"}).json()
        same("application/json", c.ask(200, method, at).headers["Content-Type"], "session")
        assert document["seconds_remaining"] > 0, document
        assert " " in document["expires"] and document["expires"].endswith("+00:00"), document
        same([{"id": ROLE, "display_name": ROLE}], document["attributes"], "roles")


def namespaces(c):
    same("/py", c.made("/py", headers=NAMESPACE), "namespace")
    c.ask(409, "PUT", "/py", headers=NAMESPACE)
    c.ask(404, "PUT", "/py/a/b", headers=NAMESPACE)
    same("/py/a/b", c.made("/py/a/b", headers=NAMESPACE, params={"parents": "true"}), "parents")
    r = c.ask(200, "GET", "/py/")
    same("application/json", r.headers["Content-Type"], "listing")
    same([PREFIX + "/py/a"], r.json(), "listing")
    r = c.ask(200, "GET", "/py", headers={"Accept": "text/uri-list"})
    same(("text/uri-list", PREFIX + "/py/a\n"), (r.headers["Content-Type"], r.text), "listing")
    same("", c.ask(200, "HEAD", "/py").text, "HEAD")
    c.ask(501, "GET", "/py", headers={"Range": "bytes=0-1"})


def objects(c):
    content = os.urandom(100_000)
    name = "/py/" + urllib.parse.quote("ein Name: ü;1/2", safe="")
    first = c.made(name, data=content, headers={
        "Content-Type": "application/x-test", "Content-MD5": md5(content),
        "Content-Disposition": "filename*=UTF-8''name.txt",
    })
    assert first.startswith(name + ":"), first
    c.ask(400, "PUT", name, data=content, headers={"Content-MD5": md5(b"other")})
    for path in (name, first):
        r = c.ask(200, "GET", path)
        same(content, r.content, path)
        tag = '"' + first.rpartition(":")[2] + '"'
        for field, value in {
            "Content-Type": "application/x-test", "Content-Length": "100000", "Content-MD5": md5(content),
            "Content-Location": PREFIX + first, "Content-Disposition": "filename*=UTF-8''name.txt",
            "ETag": tag, "Accept-Ranges": "bytes",
        }.items():
            same(value, r.headers.get(field), field)
        same(r.headers["ETag"], c.ask(200, "HEAD", path).headers["ETag"], "HEAD")
        r = c.ask(304, "GET", path, headers={"If-None-Match": tag})
        same((b"", tag), (r.content, r.headers["ETag"]), "304")
        c.ask(304, "GET", path, headers={"If-Match": '"other"'})
        r = c.ask(206, "GET", path, headers={"Range": "bytes=10-19"})
        same((content[10:20], "bytes 10-19/100000"), (r.content, r.headers["Content-Range"]), "range")
        same(None, r.headers.get("Content-MD5"), "the digest of a part")
        same(content[-7:], c.ask(206, "GET", path, headers={"Range": "bytes=-7"}).content, "suffix")
        r = c.ask(416, "GET", path, headers={"Range": "bytes=100000-"})
        same("bytes */100000", r.headers["Content-Range"], "416")
        c.ask(501, "GET", path, headers={"Range": "bytes=0-0,2-2"})
    c.ask(412, "PUT", name, data=b"x", headers={"If-None-Match": "*"})
    c.ask(412, "PUT", name, data=b"x", headers={"If-Match": '"other"'})
    second = c.made(name, data=b"second", headers={"If-Match": tag})
    same([PREFIX + second, PREFIX + first], c.ask(200, "GET", name + ";versions").json(), "versions")
    same(content, c.ask(200, "GET", first).content, "an old version")
    c.ask(204, "DELETE", second)
    c.ask(404, "GET", second)
    same(content, c.ask(200, "GET", name).content, "the version before")
    c.ask(204, "DELETE", name)
    c.ask(404, "GET", name)
    c.ask(409, "PUT", name, data=b"x")


def empty_files(c):
    """An open file without content goes out in chunked encoding."""
    c.made("/py/empty", data=b"")
    with tempfile.TemporaryFile() as nothing:
        c.made("/py/empty", data=nothing)
    r = c.ask(200, "GET", "/py/empty")
    same((b"", "0"), (r.content, r.headers["Content-Length"]), "an empty object")
    same("application/octet-stream", r.headers["Content-Type"], "no type")
    same(2, len(c.ask(200, "GET", "/py/empty;versions").json()), "versions")
    c.ask(416, "GET", "/py/empty", headers={"Range": "bytes=0-"})


def uploads(c):
    content, size = os.urandom(2_500), 1_000
    job = c.made("/py/chunked;upload", method="POST", json={
        "chunk_bytes": size, "total_bytes": len(content), "content_md5": md5(content),
        "content_type": "application/x-chunked",
    })
    same("/py/chunked;upload", job.rpartition("/")[0], "job")
    status = c.ask(200, "GET", job).json()
    same((size, len(content), PREFIX + "/py/chunked", PREFIX + job, [USER]),
         tuple(status[k] for k in ("chunk-length", "content-length", "target", "url", "owner")), "job")
    same([PREFIX + job], c.ask(200, "GET", "/py/chunked;upload").json(), "jobs")
    c.ask(409, "GET", "/py/chunked")
    same([], c.ask(200, "GET", "/py/chunked;versions").json(), "versions before the end")
    parts = [content[i:i + size] for i in range(0, len(content), size)]
    for n in (2, 0):
        c.ask(204, "PUT", "%s/%d" % (job, n), data=parts[n], headers={"Content-MD5": md5(parts[n])})
    c.ask(400, "PUT", job + "/1", data=parts[1], headers={"Content-MD5": md5(b"other")})
    c.ask(400, "PUT", job + "/x", data=parts[1])
    c.ask(409, "PUT", job + "/1", data=parts[2])
    c.ask(409, "PUT", job + "/3", data=parts[2])
    c.ask(405, "GET", job + "/1")
    c.ask(409, "POST", job)
    c.ask(204, "PUT", job + "/1", data=parts[1])
    version = c.made(job, method="POST")
    c.ask(404, "GET", job)
    r = c.ask(200, "GET", version)
    same(content, r.content, "a chunked upload")
    same((md5(content), "application/x-chunked"), (r.headers["Content-MD5"], r.headers["Content-Type"]), "its fields")
    job = c.made("/py/chunked;upload", method="POST", json={"chunk-length": "10", "content-length": "5"})
    c.ask(204, "DELETE", job)
    c.ask(404, "GET", job)
    c.ask(400, "POST", "/py/chunked;upload", json={"chunk-length": 10})


def renaming(c):
    versions = [c.made("/py/old", data=text) for text in (b"one", b"two")]
    ids = [v.rpartition(":")[2] for v in versions]
    command = {"command": "rename_from", "source_name": "/py/old", "versions": ids}
    r = c.ask(201, "POST", "/py/new/name", json=command, params={"parents": "true"})
    same({PREFIX + "/py/new/name:" + i for i in ids}, set(r.text[:-1].split("\n")), "renamed")
    c.ask(204, "POST", "/py/new/name", json=command)
    r = c.ask(200, "GET", versions[0])
    same((b"one", PREFIX + "/py/new/name:" + ids[0]), (r.content, r.headers["Content-Location"]), "forwarded")
    same(b"two", c.ask(200, "GET", "/py/old").content, "forwarded")
    c.ask(409, "POST", "/py/third", json={"command": "rename_from", "source_name": "/py/none"})
    c.ask(400, "POST", "/py/third", json={"command": "rename_from"})
    c.ask(204, "DELETE", "/py/old")
    same(b"two", c.ask(200, "GET", "/py/new/name").content, "the target alone")


def lists(c, stranger):
    version = c.made("/py/shared", data=b"shared")
    stranger.ask(401, "GET", version)
    r = c.ask(200, "GET", "/py/shared;acl/")
    same({"owner", "update", "read", "subtree-owner", "subtree-read"}, set(r.json()), "lists of an object")
    same([USER], r.json()["owner"], "owner")
    role = "https://auth.example.org/group?id=1"
    entry = "/py/shared;acl/subtree-read/" + urllib.parse.quote(role, safe="")
    c.ask(204, "PUT", entry)
    c.ask(204, "PUT", entry)
    same(role + "\n", c.ask(200, "GET", entry).text, "entry")
    c.ask(204, "PUT", "/py/shared;acl/subtree-read/*")
    same({role, "*"}, set(c.ask(200, "GET", "/py/shared;acl/subtree-read").json()), "list")
    same(b"shared", stranger.ask(200, "GET", version).content, "public content")
    c.ask(204, "DELETE", "/py/shared;acl/subtree-read/*")
    c.ask(404, "DELETE", "/py/shared;acl/subtree-read/*")
    stranger.ask(401, "GET", version)
    c.ask(204, "PUT", "/py/shared;acl/read", json=["a", "b"])
    c.ask(400, "PUT", "/py/shared;acl/read", json={"a": 1})
    c.ask(400, "PUT", "/py/shared;acl/create/x")
    c.ask(204, "DELETE", "/py/shared;acl/read")
    same([], c.ask(200, "GET", "/py/shared;acl/read").json(), "an empty list")


def metadata(c):
    version = c.made("/py/described", data=b"content", headers={"Content-Type": "text/csv; charset=utf-8"})
    for path in ("/py/described", version):
        same("text/csv; charset=utf-8", c.ask(200, "GET", path + ";metadata/").json()["content-type"], path)
    field = version + ";metadata/content-md5"
    plain = {"Content-Type": "text/plain"}
    c.ask(404, "GET", field)
    c.ask(409, "PUT", field, data=md5(b"other"), headers=plain)
    c.ask(204, "PUT", field, data=md5(b"content"), headers=plain)
    c.ask(204, "PUT", field, data=md5(b"content"), headers=plain)
    r = c.ask(200, "GET", field)
    same(md5(b"content") + "\n", r.text, "field")
    assert r.headers["Content-Type"].startswith("text/plain"), r.headers
    same(md5(b"content"), c.ask(200, "GET", version).headers["Content-MD5"], "a digest that was set")
    c.ask(400, "PUT", field, data=md5(b"content"), headers={"Content-Type": "application/json"})
    c.ask(204, "DELETE", field)
    c.ask(204, "DELETE", field)
    c.ask(400, "GET", version + ";metadata/other")
    c.ask(404, "GET", "/py;metadata")


def end(c):
    c.ask(204, "DELETE", "/py")
    c.ask(404, "GET", "/py/shared")
    at = SERVER + "/authn/session"
    same({"logout_url": "/bye"}, c.ask(200, "DELETE", at, params={"logout_url": "/bye"}).json(), "logout")
    c.ask(404, "DELETE", at)
    c.ask(401, "GET", "/")


client = Client()
session(client)
namespaces(client)
objects(client)
empty_files(client)
uploads(client)
renaming(client)
lists(client, Client())
metadata(client)
end(client)
print("done")
