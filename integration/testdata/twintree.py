"""Does the same random things to a tree in a mount and to one on a disk, in several processes.

usage: twintree.py MOUNTED DISK SEED STEPS

Both are folders. Each process has a folder of its own in them, and looks into those of the others. Each
step must succeed or fail alike, and the trees must look alike in between and at the end."""

import errno
import multiprocessing
import os
import random
import shutil
import stat
import sys

mounted, disk, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
# A name that was once that of a folder is never one of a file, and the other way round.
FILES = ["a", "ä ö", "c.part", "d~", ".x.Ab3dEf"]
FOLDERS = ["p", "q", "r s"]
WORKERS = 4


def look(top):
    """What can be seen of a tree."""
    seen = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            what = [stat.S_IFMT(info.st_mode)]
            if stat.S_ISLNK(info.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as f:
                    what += [stat.S_IMODE(info.st_mode), info.st_size, f.read()]
            else:
                what.append(stat.S_IMODE(info.st_mode))
            seen[os.path.relpath(path, top)] = what
    return seen


class Worker:
    def __init__(self, number):
        self.rnd = random.Random(seed * WORKERS + number)
        self.tops = [os.path.join(top, f"worker-{number}") for top in (mounted, disk)]
        self.done = []

    def folder(self):
        return os.path.join(*(self.rnd.choice(FOLDERS) for _ in range(self.rnd.choice([1, 1, 2, 2, 3]))))

    def file(self):
        return os.path.join(self.rnd.choice(["", "", self.folder()]), self.rnd.choice(FILES))

    def step(self):
        """Returns what a step does in one of the trees."""
        rnd, path, other, folder, to = self.rnd, self.file(), self.file(), self.folder(), self.folder()
        data, mode, time = rnd.randbytes(rnd.choice([0, 3, 5000, 20000])), rnd.choice([0o644, 0o700, 0o555]), rnd.randrange(10**18)

        def write(at):
            with open(at(path), "wb") as f:
                f.write(data)

        def append(at):
            with open(at(path), "ab") as f:
                f.write(data)

        def create_new(at):
            os.close(os.open(at(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))

        def utime(at):
            os.utime(at(path), ns=(time, time), follow_symlinks=False)
            assert os.lstat(at(path)).st_mtime_ns == time, "another time than was set"

        def chmod(at):
            if not os.path.islink(at(path)):
                os.chmod(at(path), mode)

        def write_and_rename(at):
            with open(at(path), "wb") as f:
                f.write(data)
                os.rename(at(path), at(other))
                f.write(b"after")

        kinds = [
            ("mkdir", lambda at: os.mkdir(at(folder))), ("mkdir", lambda at: os.makedirs(at(folder), exist_ok=True)),
            ("mkdir", lambda at: os.makedirs(at(folder), exist_ok=True)), ("rmdir", lambda at: os.rmdir(at(folder))),
            ("move", lambda at: os.rename(at(folder), at(to))), ("move", lambda at: os.rename(at(folder), at(to))),
            ("rmtree", lambda at: shutil.rmtree(at(folder))), ("chmod of folder", lambda at: os.chmod(at(folder), 0o750)),
            ("write", write), ("write", write), ("write", write), ("append", append), ("create", create_new),
            ("rename", lambda at: os.rename(at(path), at(other))), ("rename", lambda at: os.rename(at(path), at(other))),
            ("unlink", lambda at: os.unlink(at(path))), ("unlink of folder", lambda at: os.unlink(at(folder))),
            ("rmdir of file", lambda at: os.rmdir(at(path))), ("symlink", lambda at: os.symlink(other, at(path))),
            ("chmod", chmod), ("utime", utime), ("truncate", lambda at: os.truncate(at(path), 7)),
            ("write and rename", write_and_rename),
        ]
        name, do = rnd.choice(kinds)
        return f"{name} ({path}, {other}; {folder}, {to})", do

    def try_in(self, top, do):
        try:
            return do(lambda path: os.path.join(top, path)) or "success"
        except OSError as e:
            return errno.errorcode[e.errno]

    def look_at_others(self):
        for folder, _, files in os.walk(mounted):
            for name in files[:3]:
                try:
                    with open(os.path.join(folder, name), "rb") as f:
                        f.read()
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    pass
                except OSError as e:
                    if e.errno != errno.ELOOP:
                        raise

    def run(self):
        for top in self.tops:
            os.mkdir(top)
        for i in range(steps):
            told, do = self.step()
            self.done.append(told)
            ours, theirs = (self.try_in(top, do) for top in self.tops)
            if ours != theirs:
                raise AssertionError(f"the mount says {ours}, the disk {theirs}")
            if i % 10 == 9:
                self.look_at_others()
                self.compare()
        self.compare()

    def compare(self):
        ours, theirs = (look(top) for top in self.tops)
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                raise AssertionError(f"{path} is {ours.get(path)!r:.200} in the mount and {theirs.get(path)!r:.200} on the disk")


def work(number):
    w = Worker(number)
    try:
        w.run()
    except Exception as e:
        return "\n  ".join([f"seed {seed}, worker {number}: {e!r}; its last steps of {len(w.done)}:"] + w.done[-15:])


with multiprocessing.Pool(WORKERS) as pool:
    failed = [text for text in pool.map(work, range(WORKERS), chunksize=1) if text]
print(*failed, sep="\n", file=sys.stderr)
sys.exit(1 if failed else 0)
