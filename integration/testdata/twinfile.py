"""Does the same random things to a file in a mount and to one on a disk.

usage: twinfile.py MOUNTED DISK SEED STEPS

Both are folders. After each step both files have to have the same bytes, however they are read."""

import mmap
import os
import random
import sys

mounted, disk, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rnd = random.Random(seed)
done = []
LARGEST = 600_000


class Twins:
    """A file in each folder, of the same name, with the same handles open."""

    def __init__(self):
        self.name = "f0"
        self.fds = None
        self.open(os.O_RDWR | os.O_CREAT)

    def paths(self):
        return os.path.join(mounted, self.name), os.path.join(disk, self.name)

    def open(self, flags):
        if self.fds:
            for fd in self.fds:
                os.close(fd)
        self.fds = [os.open(p, flags, 0o644) for p in self.paths()]

    def size(self):
        return os.fstat(self.fds[1]).st_size

    def both(self, call):
        ours, theirs = (call(fd) for fd in self.fds)
        if ours != theirs:
            raise AssertionError(f"the mount answers {ours!r:.100}, the disk {theirs!r:.100}")

    # The steps.

    def write(self):
        data, at = rnd.randbytes(rnd.choice([1, 10, 4096, 5000, 131072])), rnd.randrange(LARGEST - 131072)
        self.both(lambda fd: os.pwrite(fd, data, at))
        return f"{len(data)} at {at}"

    def append(self):
        self.open(os.O_RDWR | os.O_APPEND)
        data = rnd.randbytes(rnd.randint(1, 9000))
        if self.size() + len(data) <= LARGEST:
            self.both(lambda fd: os.write(fd, data))
        self.open(os.O_RDWR)
        return f"{len(data)}"

    def read(self):
        n, at = rnd.randint(1, 200_000), rnd.randrange(LARGEST)
        self.both(lambda fd: os.pread(fd, n, at))
        return f"{n} at {at}"

    def ftruncate(self):
        n = rnd.choice([0, self.size() // 2, rnd.randrange(LARGEST)])
        self.both(lambda fd: os.ftruncate(fd, n))
        return f"{n}"

    def truncate(self):
        n = rnd.choice([0, 1, 4096, rnd.randrange(LARGEST)])
        for p in self.paths():
            os.truncate(p, n)
        return f"{n}"

    def map(self):
        size = self.size()
        if not size:
            return "nothing"
        at = rnd.randrange(size)
        data = rnd.randbytes(min(rnd.randint(1, 50_000), size - at))
        for fd in self.fds:
            with mmap.mmap(fd, size) as m:
                m[at:at + len(data)] = data
                m.flush()
        return f"{len(data)} at {at}"

    def map_to_read(self):
        size = self.size()
        if not size:
            return "nothing"

        def read(fd):
            with mmap.mmap(fd, size, prot=mmap.PROT_READ) as m:
                return m[:]
        self.both(read)

    def reopen(self):
        self.open(rnd.choice([os.O_RDWR, os.O_RDWR | os.O_CREAT]))

    def reopen_empty(self):
        self.open(os.O_RDWR | os.O_TRUNC)

    def fsync(self):
        self.both(os.fsync)

    def rename(self):
        before = self.paths()
        self.name = f"f{rnd.randrange(3)}"
        for a, b in zip(before, self.paths()):
            os.rename(a, b)
        return self.name

    def replace(self):
        """As editors save: another file is written, and renamed over this one."""
        data = rnd.randbytes(rnd.randrange(100_000))
        for p in self.paths():
            with open(p + ".new", "wb") as f:
                f.write(data)
            os.rename(p + ".new", p)
        self.open(os.O_RDWR)
        return f"{len(data)}"

    def remove(self):
        for p in self.paths():
            os.unlink(p)
        self.write()
        self.compare_handles()
        self.open(os.O_RDWR | os.O_CREAT)

    def second_handle(self):
        data, at = rnd.randbytes(3000), rnd.randrange(LARGEST - 3000)
        for p in self.paths():
            fd = os.open(p, os.O_WRONLY)
            os.pwrite(fd, data, at)
            os.close(fd)
        return f"{len(data)} at {at}"

    def child_writes(self):
        at = rnd.randrange(LARGEST - 100)
        for fd in self.fds:
            pid = os.fork()
            if not pid:
                os.pwrite(fd, b"child" * 20, at)
                os._exit(0)
            os.waitpid(pid, 0)
        return f"at {at}"

    def times_and_mode(self):
        mode, time = rnd.choice([0o644, 0o600, 0o755]), rnd.randrange(2_000_000_000_000_000_000)
        for p in self.paths():
            os.chmod(p, mode)
            os.utime(p, ns=(time, time))
        ours, theirs = (os.stat(p) for p in self.paths())
        assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns), "times or modes differ"

    # The comparison.

    def compare_handles(self):
        self.both(lambda fd: os.pread(fd, LARGEST + 1, 0))
        self.both(lambda fd: os.fstat(fd).st_size)

    def compare(self):
        self.compare_handles()
        ours, theirs = (open(p, "rb").read() for p in self.paths())
        assert ours == theirs, "who opens it reads something else"
        assert sorted(os.listdir(mounted)) == sorted(os.listdir(disk)), "the listings differ"


twins = Twins()
kinds = [twins.write] * 6 + [twins.append, twins.read, twins.ftruncate, twins.truncate, twins.map, twins.map,
                             twins.map_to_read, twins.reopen, twins.reopen, twins.reopen_empty, twins.fsync, twins.rename,
                             twins.replace, twins.remove, twins.second_handle, twins.child_writes, twins.times_and_mode]
try:
    for step in range(steps):
        kind = rnd.choice(kinds)
        done.append(kind.__name__)
        done[-1] += f" {kind() or ''}"
        twins.compare()
except Exception:
    print(f"seed {seed}, the last steps of {len(done)}:", *done[-12:], sep="\n  ", file=sys.stderr)
    raise
for fd in twins.fds:
    os.close(fd)
twins.fds = None
