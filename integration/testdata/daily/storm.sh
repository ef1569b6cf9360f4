cat > $src/storm.py <<'END'
import multiprocessing, os, sys, traceback
def work(w):
    bad = []
    for i in range(40):
        try:
            with open("shared", "a") as f: f.write(f"{w}.{i}\n")
            with open("shared") as f: f.read()
            with open(f"new-{w}", "w") as f: f.write(str(i) * 100)
            os.replace(f"new-{w}", "target")
            with open("target") as f: assert len(f.read()) in (100, 200), "half a file"
            os.mkdir(f"dir-{w}"); open(f"dir-{w}/x", "w").close(); os.rename(f"dir-{w}", f"dir-{w}-b")
            os.unlink(f"dir-{w}-b/x"); os.rmdir(f"dir-{w}-b")
            os.listdir(".")
        except Exception as e: bad.append(f"{w}.{i}: {traceback.format_exc()}")
    return bad
with open("shared", "w"), open("target", "w") as f: f.write("0" * 100)
with multiprocessing.Pool(6) as pool: bad = sum(pool.map(work, range(6)), [])
print(*bad[:10], sep="\n", file=sys.stderr)
assert not bad, len(bad)
END
python3 $src/storm.py
test $(sort -u shared | wc -l) = 240 || fail "appends are lost"
test "$(ls)" = $'shared\ntarget'
