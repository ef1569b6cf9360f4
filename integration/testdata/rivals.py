"""Lets processes do random things to the same few names at once, and looks for an order in which each
of them would have come out as it did.

usage: rivals.py FOLDER SEED ROUNDS

A round takes place in a folder of its own. What was asked and answered, and when, has to be what one
after the other would have done: each somewhere between its beginning and its end."""

import ctypes
import errno
import multiprocessing
import os
import random
import sys
import time

top, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
WORKERS, STEPS = 4, 5
LINKS, FOLDERS, FILES = ["a", "b"], ["p", "q"], ["f", "g"]
DIR, FILE = "a folder", "a file"
libc = ctypes.CDLL(None, use_errno=True)


def rename(a, b, flags=0):
    if libc.renameat2(-100, a.encode(), -100, b.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), "")


# What is done. A link's target is content that comes and goes in one step.

def replace(name, text):
    own = f"own-{os.getpid()}"
    os.symlink(text, own)
    try:
        os.rename(own, name)
    except OSError:
        os.unlink(own)
        raise


DO = {
    "link": lambda name, text: os.symlink(text, name),
    "replace": replace,
    "read": lambda name: os.readlink(name),
    "unlink": os.unlink,
    "create": lambda name: os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
    "open": lambda name: os.close(os.open(name, os.O_RDONLY)),
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "rename": rename,
    "rename noreplace": lambda a, b: rename(a, b, 1),
    "stat": lambda name: os.lstat(name) and None,
}


def choose(rnd, number):
    """Returns one thing to do."""
    folder, link, file = rnd.choice(FOLDERS), rnd.choice(LINKS), rnd.choice(FILES)
    inner = f"{folder}/{rnd.choice(LINKS)}"
    path, text = rnd.choice([link, link, inner]), f"text {number}"
    return rnd.choice([
        ("link", path, text), ("link", path, text), ("replace", path, text), ("read", path), ("read", path), ("unlink", path),
        ("create", file), ("create", file), ("open", file), ("unlink", file), ("stat", rnd.choice([file, folder, path])),
        ("mkdir", folder), ("mkdir", folder), ("rmdir", folder),
        ("rename", rnd.choice(FOLDERS), folder), ("rename", rnd.choice(FILES), file), ("rename", rnd.choice([*LINKS, inner]), path),
        ("rename noreplace", rnd.choice(LINKS), path), ("rename noreplace", rnd.choice(FILES), file),
    ])


def work(number, seed, folder, barrier, results):
    rnd = random.Random(seed * WORKERS + number)
    todo = [choose(rnd, number * STEPS + i) for i in range(STEPS)]
    os.chdir(folder)
    done = []
    barrier.wait()
    for what in todo:
        begun = time.monotonic_ns()
        try:
            answer = DO[what[0]](*what[1:])
        except OSError as e:
            answer = errno.errorcode[e.errno]
        done.append((begun, time.monotonic_ns(), what, answer))
    results.put(done)


# What it should have done. A state is a set of pairs of a path and what is there.

def below(tree, path):
    return [p for p in tree if p.startswith(path + "/")]


def expected(tree, what):
    """Does one thing to a tree and returns the answer."""
    kind, path, *more = what
    folder, _, _ = path.rpartition("/")
    missing = folder and tree.get(folder) != DIR
    if kind.startswith("rename"):
        return renamed(tree, path, more[0], kind != "rename")
    if missing:
        return "ENOENT"
    if kind in ("link", "create", "mkdir"):
        if path in tree:
            return "EEXIST"
        tree[path] = more[0] if more else FILE if kind == "create" else DIR
        return None
    if kind == "replace":
        tree[path] = more[0]
        return None
    if path not in tree:
        return "ENOENT"
    if kind == "read":
        return tree[path]
    if kind == "rmdir" and below(tree, path):
        return "ENOTEMPTY"
    if kind in ("unlink", "rmdir"):
        del tree[path]
    return None


def renamed(tree, a, b, keep):
    for path in (a, b):
        folder, _, _ = path.rpartition("/")
        if folder and tree.get(folder) != DIR:
            return "ENOENT"
    if a not in tree:
        return "ENOENT"
    if keep and b in tree:
        return "EEXIST"
    if a == b:
        return None
    if below(tree, b):
        return "ENOTEMPTY"
    for path in [a, *below(tree, a)]:
        tree[b + path[len(a):]] = tree.pop(path)
    return None


def order(history):
    """Returns an order that explains the history, or None."""
    failed = set()

    def search(left, tree):
        if not left:
            return []
        key = (left, frozenset(tree.items()))
        if key in failed:
            return None
        first_end = min(history[i][1] for i in left)
        for i in left:
            begun, _, what, answer = history[i]
            if begun > first_end:
                continue
            after = dict(tree)
            if expected(after, what) == answer:
                rest = search(left - {i}, after)
                if rest is not None:
                    return [i] + rest
        failed.add(key)
        return None

    return search(frozenset(range(len(history))), {})


def play(number):
    folder = os.path.join(top, f"round-{number}")
    os.mkdir(folder)
    barrier, results = multiprocessing.Barrier(WORKERS), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(n, seed + number, folder, barrier, results)) for n in range(WORKERS)]
    for w in workers:
        w.start()
    history = sorted(sum((results.get() for _ in workers), []), key=lambda done: done[:2])
    for w in workers:
        w.join()
    if order(history) is not None:
        return
    begin = history[0][0]
    print(f"seed {seed + number}: no order explains this (µs of begin and end, call, answer):", file=sys.stderr)
    for begun, ended, what, answer in history:
        print(f"  {(begun - begin) // 1000:7} {(ended - begin) // 1000:7}  {' '.join(what)}: {answer}", file=sys.stderr)
    sys.exit(1)


for number in range(rounds):
    play(number)
