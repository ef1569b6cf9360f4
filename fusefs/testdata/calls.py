"""Makes system calls on things of every kind and tells what came of each.

usage: calls.py FOLDER

Prints a line for each call: its name, the kind of thing, and the errno or what the call returned, then
what is there afterwards and which times have changed, of the thing and of the folder that it is in: m for
that of modification and c for that of change. Times far from now are told. The same on two file systems
should print the same."""

import ctypes
import errno
import fcntl
import mmap
import multiprocessing
import os
import stat
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
top = os.path.abspath(sys.argv[1])
os.umask(0o022)

LONG, AT_FDCWD, HUGE = "n" * 255, -100, 1 << 62
NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
KEEP_SIZE, PUNCH, COLLAPSE, ZERO, INSERT = 1, 2, 8, 16, 32
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2
NOFOLLOW = 0x100


def system(name, *args):
    """Calls a function of the C library, which has no checks of its own before the kernel's."""
    converted = []
    for a in args:
        if isinstance(a, str):
            a = a.encode()
        converted.append(ctypes.c_long(a) if isinstance(a, int) else a)
    f = getattr(libc, name)
    f.restype = ctypes.c_long if name in ("lseek", "pread", "pwrite", "read", "write", "copy_file_range") else ctypes.c_int
    result = f(*converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def utimens(path, atime, mtime, flags=0, fd=AT_FDCWD):
    pair = (Timespec * 2)(Timespec(*atime), Timespec(*mtime))
    return system("utimensat", fd, path, pair, flags)


def again(atime, mtime):
    """Sets times that were set before."""
    def call(path):
        utimens(path, (11, 12), (13, 14))
        before(".", "t", "real")
        utimens(path, atime, mtime)
    return call


# Things. Each function makes one in the folder of a case and returns the path that is used.

def write(path, text="content"):
    with open(path, "w") as f:
        f.write(text)
    return path


def made(make, *more):
    """A thing at t, used by the path t or another one that leads to it or through it."""
    def build():
        make("t")
        return more[0] if more else "t"
    return build


def full(path):
    os.mkdir(path)
    write(path + "/x")


def link(target):
    return lambda path: os.symlink(target, path)


def link_to(make, *more):
    def build():
        make("real")
        os.symlink("real", "t")
        return more[0] if more else "t"
    return build


KINDS = {
    "missing": lambda: "t",
    "missing/": lambda: "t/",
    "below missing": lambda: "none/t",
    "file": made(write),
    "file/": made(write, "t/"),
    "below file": made(write, "t/x"),
    "above file": made(write, "t/.."),
    "empty folder": made(os.mkdir),
    "empty folder/": made(os.mkdir, "t/"),
    "full folder": made(full),
    "folder/.": made(os.mkdir, "t/."),
    "folder/..": made(os.mkdir, "t/.."),
    "link to file": link_to(write),
    "link to file/": link_to(write, "t/"),
    "link to empty folder": link_to(os.mkdir),
    "link to empty folder/": link_to(os.mkdir, "t/"),
    "link to full folder": link_to(full),
    "below link to folder": link_to(full, "t/x"),
    "dangling link": made(link("none")),
    "dangling link/": made(link("none"), "t/"),
    "link to below missing": made(link("none/x")),
    "link to itself": made(link("t")),
    "below link to itself": made(link("t"), "t/x"),
    "longest name": lambda: LONG,
    "file of longest name": lambda: write(LONG),
    "too long name": lambda: LONG + "n",
    "below too long name": lambda: LONG + "n/x",
    "longest path": lambda: "./" * 2047 + "t",
    "too long path": lambda: "./" * 2048 + "t",
    "no path": lambda: "",
}

# Calls by a path. Those of LOOKS change nothing.

LOOKS, DEEDS = {}, {}

ACCESS = {"rdonly": os.O_RDONLY, "wronly": os.O_WRONLY, "rdwr": os.O_RDWR}
FLAGS = {
    "": 0, "directory": os.O_DIRECTORY, "nofollow": os.O_NOFOLLOW, "append": os.O_APPEND, "excl": os.O_EXCL,
    "directory nofollow": os.O_DIRECTORY | os.O_NOFOLLOW, "sync": os.O_SYNC, "noatime": os.O_NOATIME,
    "path": os.O_PATH, "path nofollow": os.O_PATH | os.O_NOFOLLOW, "path directory": os.O_PATH | os.O_DIRECTORY,
}
MAKING = {
    "creat": os.O_CREAT, "creat excl": os.O_CREAT | os.O_EXCL, "trunc": os.O_TRUNC, "creat trunc": os.O_CREAT | os.O_TRUNC,
    "creat nofollow": os.O_CREAT | os.O_NOFOLLOW, "creat directory": os.O_CREAT | os.O_DIRECTORY,
    "creat excl trunc": os.O_CREAT | os.O_EXCL | os.O_TRUNC, "creat append": os.O_CREAT | os.O_APPEND,
    "trunc nofollow": os.O_TRUNC | os.O_NOFOLLOW, "trunc append": os.O_TRUNC | os.O_APPEND,
}


def opening(flags):
    def call(path):
        fd = system("open", path, flags | os.O_CLOEXEC, 0o640)
        try:
            return stat.filemode(os.fstat(fd).st_mode)
        finally:
            os.close(fd)
    return call


for how, access in ACCESS.items():
    for name, flags in FLAGS.items():
        LOOKS[f"open {how} {name}".strip()] = opening(access | flags)
    for name, flags in MAKING.items():
        if how == "wronly" or name in ("creat", "trunc", "creat excl"):
            DEEDS[f"open {how} {name}"] = opening(access | flags)
LOOKS["open tmpfile"] = opening(os.O_TMPFILE | os.O_RDWR)
LOOKS["open tmpfile rdonly"] = opening(os.O_TMPFILE | os.O_RDONLY)


def listing(path):
    return ",".join(sorted(os.listdir(path)))


def buffer_of(name, path, *more):
    buf = ctypes.create_string_buffer(300)
    n = system(name, path, *more, buf, len(buf))
    return buf.raw[:n].decode()


def going(path):
    try:
        system("chdir", path)
        return os.path.basename(os.getcwd()) == "t"
    finally:
        os.chdir(top)
        os.chdir(case)


LOOKS.update({
    "stat": lambda p: stat.filemode(os.stat(p).st_mode),
    "lstat": lambda p: stat.filemode(os.lstat(p).st_mode),
    "access existence": lambda p: system("access", p, os.F_OK),
    "access read": lambda p: system("access", p, os.R_OK),
    "access write": lambda p: system("access", p, os.W_OK),
    "access all": lambda p: system("access", p, 7),
    "access nonsense": lambda p: system("access", p, 8),
    "faccessat nofollow": lambda p: system("faccessat", AT_FDCWD, p, os.R_OK, NOFOLLOW),
    "readlink": lambda p: buffer_of("readlink", p),
    "list": listing,
    "chdir": going,
    "statfs": lambda p: os.statvfs(p).f_namemax,
    "getxattr": lambda p: buffer_of("getxattr", p, "user.none"),
    "lgetxattr": lambda p: buffer_of("lgetxattr", p, "user.none"),
    "listxattr": lambda p: [n for n in os.listxattr(p) if not n.startswith(("user.hatrac.", "security."))],
})


def to_other(rename):
    """Moves the thing to a name where there is another one."""
    def with_other(make):
        def call(path):
            make("o")
            before(".", "t", "real", "o")
            return rename(path, "o")
        return call
    return with_other


def from_other(rename):
    def with_other(make):
        def call(path):
            make("o")
            before(".", "t", "real", "o")
            return rename("o", path)
        return call
    return with_other


def rename2(flags):
    return lambda a, b: system("renameat2", AT_FDCWD, a, AT_FDCWD, b, flags)


def plain(a, b):
    return system("rename", a, b)


OTHERS = {"nothing": lambda p: None, "a file": write, "an empty folder": os.mkdir, "a full folder": full, "a link": link("none")}

for name, make in OTHERS.items():
    DEEDS[f"rename to {name}"] = to_other(plain)(make)
    DEEDS[f"rename noreplace to {name}"] = to_other(rename2(NOREPLACE))(make)
    if name != "nothing":
        DEEDS[f"rename {name} to it"] = from_other(plain)(make)
        DEEDS[f"rename noreplace {name} to it"] = from_other(rename2(NOREPLACE))(make)
        DEEDS[f"link {name} to it"] = from_other(lambda a, b: system("link", a, b))(make)
        DEEDS[f"rename exchange with {name}"] = to_other(rename2(EXCHANGE))(make)

DEEDS.update({
    "rename nowhere": lambda p: system("rename", "none", p),
    "rename to itself": lambda p: system("rename", p, p),
    "rename into itself": lambda p: system("rename", p, p + "/sub"),
    "rename to what encloses it": lambda p: system("rename", p, "."),
    "rename to missing/": lambda p: system("rename", p, "o/"),
    "rename to below missing": lambda p: system("rename", p, "none/o"),
    "rename to longest name": lambda p: system("rename", p, LONG[1:] + "o"),
    "rename to too long name": lambda p: system("rename", p, LONG + "o"),
    "rename with two flags": lambda p: rename2(NOREPLACE | EXCHANGE)(p, "o"),
    "rename with nonsense": lambda p: rename2(64)(p, "o"),
    "rename whiteout": lambda p: rename2(WHITEOUT)(p, "o"),
    "link": lambda p: system("link", p, "o"),
    "link followed": lambda p: system("linkat", AT_FDCWD, p, AT_FDCWD, "o", 0x400),
    "mkdir": lambda p: system("mkdir", p, 0o750),
    "rmdir": lambda p: system("rmdir", p),
    "unlink": lambda p: system("unlink", p),
    "unlinkat removedir": lambda p: system("unlinkat", AT_FDCWD, p, 0x200),
    "unlinkat nonsense": lambda p: system("unlinkat", AT_FDCWD, p, 1),
    "symlink": lambda p: system("symlink", "somewhere", p),
    "symlink to nothing": lambda p: system("symlink", "", p),
    "symlink far": lambda p: system("symlink", "x" * 4095, p),
    "symlink too far": lambda p: system("symlink", "x" * 4096, p),
    "mknod file": lambda p: os.mknod(p, stat.S_IFREG | 0o640),
    "mknod device": lambda p: os.mknod(p, stat.S_IFCHR | 0o640, os.makedev(1, 3)),
    "mknod socket": lambda p: os.mknod(p, stat.S_IFSOCK | 0o640),
    "mknod nonsense": lambda p: system("mknod", p, stat.S_IFLNK | 0o640, 0),
    "mkfifo": lambda p: os.mkfifo(p),
    "truncate": lambda p: system("truncate", p, 3),
    "truncate to the same": lambda p: system("truncate", p, 7),
    "truncate to more": lambda p: system("truncate", p, 10_000),
    "truncate to less than nothing": lambda p: system("truncate", p, -1),
    "truncate to very much": lambda p: system("truncate", p, HUGE),
    "chmod": lambda p: system("chmod", p, 0o4711),
    "chmod to the same": lambda p: system("chmod", p, 0o644),
    "chmod of a link": lambda p: system("fchmodat", AT_FDCWD, p, 0o711, NOFOLLOW),
    "chown": lambda p: system("chown", p, 7, 8),
    "chown of nothing": lambda p: system("chown", p, -1, -1),
    "chown of a group": lambda p: system("chown", p, -1, 9),
    "lchown": lambda p: system("lchown", p, 7, 8),
    "utimens": lambda p: utimens(p, (1, 2), (3, 4)),
    "utimens before 1970": lambda p: utimens(p, (-5, 2), (-3, 4)),
    "utimens after 2106": lambda p: utimens(p, (1 << 33, 5), ((1 << 33) + 1, 6)),
    "utimens now": again((0, NOW), (0, NOW)),
    "utimens access now": again((0, NOW), (3, 4)),
    "utimens without access": again((0, OMIT), (3, 4)),
    "utimens without modification": again((1, 2), (0, OMIT)),
    "utimens without either": again((0, OMIT), (0, OMIT)),
    "utimens of a link": lambda p: utimens(p, (1, 2), (3, 4), NOFOLLOW),
    "utimens nonsense": lambda p: utimens(p, (1, 1_000_000_000), (3, 4)),
    "setxattr": lambda p: os.setxattr(p, "user.x", b"y"),
    "removexattr": lambda p: os.removexattr(p, "user.x"),
})

# Calls by a descriptor. A holder opens one, and may do something to the name then.

HOLDERS = {}


def holder(flags, make=write, after=lambda: None):
    def hold():
        make("t")
        fd = os.open("t", flags)
        after()
        return fd
    return hold


def replaced():
    write("o", "another")
    os.rename("o", "t")


HOLDERS.update({
    "reader": holder(os.O_RDONLY),
    "writer": holder(os.O_WRONLY),
    "reader and writer": holder(os.O_RDWR),
    "appender": holder(os.O_WRONLY | os.O_APPEND),
    "path of file": holder(os.O_PATH),
    "folder": holder(os.O_RDONLY, full),
    "path of folder": holder(os.O_PATH, full),
    "unlinked reader": holder(os.O_RDONLY, write, lambda: os.unlink("t")),
    "unlinked writer": holder(os.O_RDWR, write, lambda: os.unlink("t")),
    "never stored and unlinked": holder(os.O_RDWR | os.O_CREAT, lambda p: None, lambda: (os.pwrite(os.open("t", os.O_WRONLY), b"content", 0), os.unlink("t"))),
    "renamed reader": holder(os.O_RDONLY, write, lambda: os.rename("t", "o")),
    "renamed writer": holder(os.O_RDWR, write, lambda: os.rename("t", "o")),
    "replaced writer": holder(os.O_RDWR, write, replaced),
    "removed folder": holder(os.O_RDONLY, os.mkdir, lambda: os.rmdir("t")),
    "renamed folder": holder(os.O_RDONLY, full, lambda: os.rename("t", "o")),
})

BUFFER = ctypes.create_string_buffer(b"0123456789", 100)


def read(call):
    def do(fd):
        n = call(fd)
        return f"{n} {BUFFER.raw[:n]}"
    return do


def copying(offset, to, size):
    def call(fd):
        a, b = ctypes.c_int64(offset), ctypes.c_int64(to)
        return system("copy_file_range", fd, ctypes.byref(a), fd, ctypes.byref(b), size, 0)
    return call


def copying_from(make):
    def call(fd):
        make("source")
        source = os.open("source", os.O_RDONLY)
        try:
            return system("copy_file_range", source, None, fd, None, 100, 0)
        finally:
            os.close(source)
    return call


def mapping(flags, prot, change=False):
    def call(fd):
        with mmap.mmap(fd, 7, flags=flags, prot=prot) as m:
            if change:
                m[1:3] = b"XY"
                m.flush()
            return m[:] if prot & mmap.PROT_READ else ""
    return call


def dents(fd):
    buf = ctypes.create_string_buffer(1000)
    n = libc.syscall(217, fd, buf, len(buf))
    if n < 0:
        raise OSError(ctypes.get_errno(), "")
    return sorted(name for name in (b".", b"..", b"x") if b"\0" + name + b"\0" in buf.raw[:n] or name + b"\0" in buf.raw[:n])


def below(name, flags):
    def call(fd):
        os.close(os.open(name, flags, 0o640, dir_fd=fd))
    return call


def lseek(offset, whence):
    return lambda fd: system("lseek", fd, offset, whence)


def fallocate(mode, offset, size):
    return lambda fd: system("fallocate", fd, mode, offset, size)


def locked(fd):
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(fd, fcntl.LOCK_UN)


def fchdir(fd):
    try:
        os.fchdir(fd)
        return sorted(os.listdir(fd))
    finally:
        os.chdir(top)
        os.chdir(case)


FD_CALLS = {
    "fstat": lambda fd: (lambda s: (stat.filemode(s.st_mode), s.st_size if stat.S_ISREG(s.st_mode) else ""))(os.fstat(fd)),
    "fstatfs": lambda fd: os.fstatvfs(fd).f_namemax,
    "read": read(lambda fd: system("read", fd, BUFFER, 5)),
    "read nothing": read(lambda fd: system("read", fd, BUFFER, 0)),
    "pread": read(lambda fd: system("pread", fd, BUFFER, 50, 2)),
    "pread at the end": read(lambda fd: system("pread", fd, BUFFER, 50, 7)),
    "pread behind the end": read(lambda fd: system("pread", fd, BUFFER, 50, 1 << 40)),
    "pread before the beginning": read(lambda fd: system("pread", fd, BUFFER, 5, -1)),
    "write": lambda fd: system("write", fd, b"written", 7),
    "write nothing": lambda fd: system("write", fd, b"", 0),
    "pwrite": lambda fd: system("pwrite", fd, b"written", 7, 2),
    "pwrite behind the end": lambda fd: system("pwrite", fd, b"written", 7, 5000),
    "pwrite before the beginning": lambda fd: system("pwrite", fd, b"written", 7, -1),
    "pwrite very far": lambda fd: system("pwrite", fd, b"written", 7, (1 << 63) - 2),
    "writev": lambda fd: os.writev(fd, [b"one", b"two"]),
    "lseek": lseek(3, os.SEEK_SET),
    "lseek before the beginning": lseek(-1, os.SEEK_SET),
    "lseek nonsense": lseek(0, 99),
    "lseek to data": lseek(2, os.SEEK_DATA),
    "lseek to data at the end": lseek(7, os.SEEK_DATA),
    "lseek to a hole": lseek(2, os.SEEK_HOLE),
    "lseek to a hole behind the end": lseek(8, os.SEEK_HOLE),
    "lseek to data before the beginning": lseek(-1, os.SEEK_DATA),
    "ftruncate": lambda fd: system("ftruncate", fd, 3),
    "ftruncate to the same": lambda fd: system("ftruncate", fd, 7),
    "ftruncate to more": lambda fd: system("ftruncate", fd, 9000),
    "ftruncate to less than nothing": lambda fd: system("ftruncate", fd, -1),
    "ftruncate to very much": lambda fd: system("ftruncate", fd, HUGE),
    "fchmod": lambda fd: system("fchmod", fd, 0o700),
    "fchown": lambda fd: system("fchown", fd, 7, 8),
    "futimens": lambda fd: utimens(None, (1, 2), (3, 4), fd=fd),
    "futimens now": lambda fd: utimens(None, (0, NOW), (0, NOW), fd=fd),
    "fsync": lambda fd: system("fsync", fd),
    "fdatasync": lambda fd: system("fdatasync", fd),
    "fallocate": fallocate(0, 0, 5000),
    "fallocate within": fallocate(0, 1, 3),
    "fallocate keeping the size": fallocate(KEEP_SIZE, 0, 5000),
    "fallocate nothing": fallocate(0, 0, 0),
    "fallocate before the beginning": fallocate(0, -1, 5),
    "fallocate very much": fallocate(0, HUGE, HUGE),
    "punch": fallocate(PUNCH | KEEP_SIZE, 2, 3),
    "punch all": fallocate(PUNCH | KEEP_SIZE, 0, 5000),
    "punch without keeping the size": fallocate(PUNCH, 2, 3),
    "zero": fallocate(ZERO, 2, 3),
    "zero behind the end": fallocate(ZERO, 2, 300),
    "zero keeping the size": fallocate(ZERO | KEEP_SIZE, 2, 300),
    "collapse": fallocate(COLLAPSE, 0, 4096),
    "insert": fallocate(INSERT, 0, 4096),
    "copy within": copying(0, 4, 3),
    "copy behind the end": copying(0, 5000, 7),
    "copy over itself": copying(0, 2, 4),
    "copy from the end": copying(7, 0, 5),
    "copy from a file": copying_from(write),
    "copy from a folder": copying_from(os.mkdir),
    "map to read": mapping(mmap.MAP_SHARED, mmap.PROT_READ),
    "map to write": mapping(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, True),
    "map privately": mapping(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE, True),
    "getdents": dents,
    "open a file below": below("x", os.O_RDONLY),
    "create below": below("new", os.O_WRONLY | os.O_CREAT),
    "mkdir below": lambda fd: os.mkdir("new", dir_fd=fd),
    "symlink below": lambda fd: os.symlink("x", "new", dir_fd=fd),
    "open the parent": below("..", os.O_RDONLY),
    "fchdir": fchdir,
    "flock": locked,
    "lock": lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "set append": lambda fd: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND),
    "get flags": lambda fd: fcntl.ioctl(fd, 0x80086601, b"\0" * 8) and "",
    "ioctl nonsense": lambda fd: fcntl.ioctl(fd, 0x12345),
    "fadvise": lambda fd: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL),
    "fgetxattr": lambda fd: os.getxattr(fd, "user.none"),
    "open it again to read": lambda fd: os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)),
}
# What came of it.

CLOCK_REALTIME_COARSE = 5

seen = {}  # inode → times before the call
coarse = True  # the file system's clock has steps that are too long to tell times before and after


def fine():
    """Finds out whether two changes in a row always have two times."""
    write("clock")
    stamps = []
    for _ in range(50):
        os.chmod("clock", 0o600)
        stamps.append(os.stat("clock").st_ctime_ns)
    os.unlink("clock")
    return len(set(stamps)) == len(stamps)


def times(path):
    """Returns the inode that a path leads to, and its times."""
    try:
        s = os.lstat(path)
    except OSError:
        return None, None
    return s.st_ino, (s.st_mtime_ns, s.st_ctime_ns)


def before(*paths):
    seen.clear()
    seen.update(times(path) for path in paths)
    newest = max(t[1] for t in seen.values() if t)
    while coarse and time.clock_gettime_ns(CLOCK_REALTIME_COARSE) <= newest:
        pass


def changes(path):
    inode, new = times(path)
    old = seen.get(inode)
    if not old or not new:
        return ""
    return "".join(n for n, a, b in zip("mc", old, new) if a != b)


def look(path, inside):
    """Tells what is there, and what is in it."""
    try:
        s = os.lstat(path)
    except FileNotFoundError:
        return "nothing"
    told = [stat.filemode(s.st_mode), f"{s.st_uid}:{s.st_gid}"]
    if stat.S_ISREG(s.st_mode):
        told.append(f"{s.st_nlink} links, {s.st_size} bytes")
        if inside:
            fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
            content = os.read(fd, 20_000)
            os.close(fd)
            told.append(repr(content if len(content) < 30 else (content.strip(b"\0"), len(content))))
    elif stat.S_ISLNK(s.st_mode):
        told.append(f"to {os.readlink(path)[:30]}, {s.st_size} bytes")
    elif stat.S_ISDIR(s.st_mode) and inside:
        told.append(",".join(sorted(os.listdir(path))))
    for name, t in (("a", s.st_atime_ns), ("m", s.st_mtime_ns)):
        if abs(t / 1e9 - time.time()) > 1e6 and not stat.S_ISLNK(s.st_mode):
            told.append(f"{name}time {t}")
    return " ".join(told)


def attempt(do):
    try:
        result = do()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    except (ValueError, OverflowError) as e:
        return type(e).__name__
    return "done" if result in (0, None) else f"done {result}"


def outcome(do, paths):
    before(".", *paths)
    result = attempt(do)
    told = [result]
    for path in paths:
        told.append(f"{path}: {look(path, result.startswith('done'))} {changes(path)}".strip())
    told.append(f"folder: {changes('.')}")
    return "; ".join(told)


cases = 0
case = ""
told = []


def fresh():
    """Makes a folder for cases. No name is used for things of two kinds."""
    global cases, case
    cases += 1
    case = f"c{os.getpid()}-{cases}"
    os.chdir(top)
    os.mkdir(case)
    os.chdir(case)


def by_paths(kind, build):
    """Makes all calls on one kind of thing, and the thing anew after each that has changed something."""
    path = None
    for call, do in list(LOOKS.items()) + list(DEEDS.items()):
        if path is None:
            fresh()
            path = build()
            there = os.listdir(".")
        paths = [name for name in ("t", "real", "o") if name == "t" or os.path.lexists(name) or "rename" in call or "link" in call]
        what = attempt(lambda: do(path)) if call in LOOKS else outcome(lambda: do(path), paths)
        told.append(f"{call} | {kind} | {what}")
        if call in DEEDS and (what.startswith("done") or os.listdir(".") != there):
            path = None


def by_descriptors(kind, hold):
    fd = None
    for call, do in FD_CALLS.items():
        if fd is None:
            fresh()
            fd = hold()
            there = os.listdir(".")
        paths = [name for name in ("t", "o") if os.path.lexists(name)]
        what = outcome(lambda: do(fd), paths)
        s = os.fstat(fd)
        if not stat.S_ISDIR(s.st_mode):
            what += f"; open: {s.st_nlink} links, {s.st_size} bytes, {stat.filemode(s.st_mode)}"
        elif s.st_nlink == 0:
            what += "; open: no links"
        if what.startswith("done") or os.listdir(".") != there:
            what += f"; closed: {attempt(lambda: os.close(fd))}"
            fd = None
        told.append(f"{call} | {kind} | {what}")


def work(kind):
    """Returns what there is to tell of one kind."""
    told.clear()
    if kind in KINDS:
        by_paths(kind, KINDS[kind])
    else:
        by_descriptors(kind, HOLDERS[kind])
    return told


os.chdir(top)
coarse = not fine()
with multiprocessing.Pool(4) as pool:
    for lines in pool.imap(work, list(KINDS) + list(HOLDERS), chunksize=1):
        print(*lines, sep="\n")
