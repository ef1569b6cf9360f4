sqlite3 db 'create table t(a); begin; insert into t values(1),(2); commit;'
versions 1 db
for i in 1 2 3; do sqlite3 db "insert into t values($i)"; done
versions 4 db
sqlite3 db 'pragma integrity_check; select sum(a) from t' | tr '\n' ' ' | grep -qx 'ok 9 '
test "$(ls -A)" = db
sqlite3 db 'pragma journal_mode=wal; insert into t values(10); vacuum; select count(*) from t' | tail -n 1 | grep -qx 6
sqlite3 db 'pragma journal_mode=delete' > /dev/null
for w in 1 2 3; do
	(for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' db "insert into t values($w$i)"; done) & p="${p:-} $!"
done
for each in $p; do wait $each; done
test "$(sqlite3 db 'select count(*) from t')" = 21
test "$(sqlite3 db 'pragma integrity_check')" = ok
