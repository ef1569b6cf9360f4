for w in 1 2 3 4; do
	(for i in $(seq 40); do echo "$w.$i a line that is there once" >> log || exit 1; done) & p="${p:-} $!"
done
for each in $p; do wait $each; done
test $(wc -l < log) = 160 && test $(sort -u log | wc -l) = 160 || fail "lines are lost"
for w in 1 2 3 4; do
	grep "^$w\." log | cut -d' ' -f1 | cut -d. -f2 | sort -nc || fail "the lines of one writer are not in order"
done

# One shell that writes all its lines into one redirection makes one version.
{ for i in 1 2 3; do echo $i; done; } > once
for i in 1 2 3; do echo $i; done | while read -r i; do echo $i; done > loop
versions 1 once loop
echo 4 >> once
versions 2 once

# tail -F beside a writer that opens the file for each line, and one that keeps it open.
mkfifo $src/seen
tail -s 0.01 -n +1 --pid=$$ -F followed > $src/seen 2> /dev/null & tail=$!
exec 4< $src/seen
exec 5>> followed
for i in $(seq 10); do
	echo "kept $i" >&5
	read -r line <&4
	test "$line" = "kept $i" || fail "tail shows $line"
done
exec 5>&-
for i in $(seq 10); do
	echo "opened $i" >> followed
	read -r line <&4
	test "$line" = "opened $i" || fail "tail shows $line"
done
kill $tail
