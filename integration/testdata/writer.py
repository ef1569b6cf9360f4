"""Replaces files over and over until the mount is gone, and tells each one that is done.

usage: writer.py FOLDER NUMBER

Each content has its count in front and its digest at the end."""

import hashlib
import os
import sys

folder, number = sys.argv[1], int(sys.argv[2])


def content(count):
    body = f"{count} ".encode() * (1 + count % 7 * 3000)
    return body + hashlib.sha256(body).hexdigest().encode()


def store(name, count):
    path = os.path.join(folder, name)
    if count % 3 == 0:  # an editor
        with open(path + ".part", "wb") as f:
            f.write(content(count))
            f.flush()
            os.fsync(f.fileno())
        os.rename(path + ".part", path)
        return
    with open(path, "wb") as f:
        f.write(content(count))
        if count % 3 == 1:
            f.flush()
            os.fsync(f.fileno())


count = 0
while True:
    name = f"w{number}-{count % 4}"
    try:
        store(name, count)
    except OSError:
        break
    print(name, count, flush=True)
    count += 1
