"""Does the same random things to a file in a mount and to one on a disk.

usage: twinfile.py MOUNTED DISK SEED STEPS

Both are folders. After each step both files have to have the same bytes, however they are read."""

import ctypes
import errno
import mmap
import os
import random
import sys

mounted, disk, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rnd = random.Random(seed)
done = []
LARGEST = 600_000
PAGE = mmap.PAGESIZE
KEEP_SIZE, PUNCH, ZERO = 1, 2, 16
libc = ctypes.CDLL(None, use_errno=True)


def fallocate(fd, mode, at, size):
    """Returns the name of the errno, empty if there is none."""
    if libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(size)) == 0:
        return ""
    return errno.errorcode[ctypes.get_errno()]


class Twins:
    """A file in each folder, of the same name, with the same handles open."""

    def __init__(self):
        self.name = "f0"
        self.fds = None
        self.maps = []
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

    def keep_map(self):
        """Maps the file for the steps that follow."""
        if self.size() and not self.maps:
            self.maps = [mmap.mmap(fd, self.size()) for fd in self.fds]

    def write_to_map(self):
        """Writes by a mapping from an earlier step, as far as there is a file beneath it."""
        reach = min(len(self.maps[0]), self.size()) if self.maps else 0
        if not reach:
            return "nothing"
        at = rnd.randrange(reach)
        data = rnd.randbytes(min(rnd.randint(1, 9000), reach - at))
        for m in self.maps:
            m[at:at + len(data)] = data
        if rnd.random() < .3:
            for m in self.maps:
                m.flush(at // PAGE * PAGE, min(len(data) + at % PAGE, reach - at // PAGE * PAGE))
        return f"{len(data)} at {at}"

    def drop_map(self):
        for m in self.maps:
            m.close()
        self.maps = []

    def map_privately(self):
        size = self.size()
        if not size:
            return "nothing"
        at = rnd.randrange(size)

        def change(fd):
            with mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE) as m:
                m[at] = 7
                return m[:]
        self.both(change)

    def allocate(self):
        mode = rnd.choice([0, KEEP_SIZE, PUNCH | KEEP_SIZE, PUNCH | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE])
        at, n = rnd.randrange(LARGEST - 100_000), rnd.choice([1, 100, PAGE, 5000, 100_000])
        self.both(lambda fd: fallocate(fd, mode, at, n))
        return f"{mode} {n} at {at}"

    def copy_range(self):
        size = self.size()
        if size < 2:
            return "nothing"
        n = rnd.randint(1, size // 2)
        source = rnd.randint(0, size - n)
        target = rnd.choice([t for t in (0, size - n, size, source + n) if t + n <= source or t >= source + n] or [size])
        if target + n > LARGEST:
            return "nothing"

        def copy(fd):
            done = 0
            while done < n:
                done += os.copy_file_range(fd, fd, n - done, source + done, target + done)
            return done
        self.both(copy)
        return f"{n} from {source} to {target}"

    def duplicate(self):
        data, at = rnd.randbytes(500), rnd.randrange(LARGEST - 500)
        for fd in self.fds:
            other = os.dup(fd)
            os.pwrite(other, data, at)
            os.close(other)
        return f"{len(data)} at {at}"

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
        self.drop_map()
        self.open(os.O_RDWR)
        return f"{len(data)}"

    def remove(self):
        for p in self.paths():
            os.unlink(p)
        self.drop_map()
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
                             twins.map_to_read, twins.keep_map, twins.write_to_map, twins.write_to_map, twins.write_to_map,
                             twins.drop_map, twins.map_privately, twins.allocate, twins.allocate, twins.copy_range,
                             twins.duplicate, twins.reopen, twins.reopen, twins.reopen_empty, twins.fsync, twins.rename,
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
twins.drop_map()
for fd in twins.fds:
    os.close(fd)
twins.fds = None
