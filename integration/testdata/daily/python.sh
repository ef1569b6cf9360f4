python3 - <<'END'
import csv, fileinput, filecmp, io, mmap, os, pathlib, pickle, shutil, sqlite3, tempfile, zipfile
p = pathlib.Path("d"); p.mkdir(); (p / "deep" / "er").mkdir(parents=True)
(p / "text").write_text("one\ntwo\n", encoding="utf-8")
with open("d/text", "a") as f: f.write("three\n")
with open("d/text", "r+b") as f:
    f.seek(0); f.write(b"ONE"); f.seek(0, io.SEEK_END); assert f.tell() == 14; f.truncate(8)
assert (p / "text").read_text() == "ONE\ntwo\n"
with fileinput.input("d/text", inplace=True) as lines:
    for line in lines: print(line.rstrip().lower())
assert (p / "text").read_text() == "one\ntwo\n"
with open("d/map", "w+b") as f:
    f.truncate(10000)
    with mmap.mmap(f.fileno(), 0) as m:
        m[0:4] = b"head"; m[9996:] = b"tail"; m.flush()
b = (p / "map").read_bytes(); assert b[:4] == b"head" and b[-4:] == b"tail" and len(b) == 10000
with open("d/rows.csv", "w", newline="") as f: csv.writer(f).writerows([[1, "ä"], [2, "b,c"]])
assert list(csv.reader(open("d/rows.csv", newline=""))) == [["1", "ä"], ["2", "b,c"]]
pickle.dump({"a": 1}, open("d/pickle", "wb")); assert pickle.load(open("d/pickle", "rb")) == {"a": 1}
with zipfile.ZipFile("d/z.zip", "w") as z: z.write("d/map", "map"); z.writestr("x", "y")
assert zipfile.ZipFile("d/z.zip").testzip() is None
with tempfile.TemporaryDirectory(dir="d") as t, tempfile.NamedTemporaryFile(dir=t) as f: f.write(b"x"); f.flush()
os.replace("d/map", "d/moved"); shutil.copy2("d/moved", "d/copy")
assert filecmp.cmp("d/moved", "d/copy", shallow=False) and os.stat("d/moved").st_mtime_ns == os.stat("d/copy").st_mtime_ns
os.symlink("moved", "d/link"); assert os.readlink("d/link") == "moved" and os.path.samefile("d/link", "d/moved")
shutil.copytree("d", "e", symlinks=True); assert not filecmp.dircmp("d", "e").diff_files
shutil.make_archive("packed", "gztar", "d"); shutil.unpack_archive("packed.tar.gz", "u")
assert sorted(x.name for x in os.scandir("u")) == sorted(os.listdir("d"))
fd = os.open("d/at", os.O_RDWR | os.O_CREAT | os.O_EXCL)
os.pwrite(fd, b"xyz", 5); assert os.pread(fd, 9, 0) == b"\0" * 5 + b"xyz"; os.fsync(fd); os.close(fd)
try: os.open("d/at", os.O_CREAT | os.O_EXCL); assert False
except FileExistsError: pass
con = sqlite3.connect("d/db"); con.execute("create table t(a)"); con.execute("insert into t values (7)"); con.commit(); con.close()
assert sqlite3.connect("d/db").execute("select a from t").fetchall() == [(7,)]
shutil.rmtree("e"); shutil.rmtree("u")
END
versions 1 d/rows.csv d/pickle d/moved d/copy d/at packed.tar.gz
