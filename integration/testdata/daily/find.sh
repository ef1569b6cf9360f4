photos $src/a
cp -a $src/a in
for question in "-type f" "-type l" "-type d" "-size +100k" "-perm 400" "-newermt 2025-12-03" "-empty" "-name *.JPG" "-name ä*" "-links +1"; do
	# A folder of the mount has one link, as on many file systems, and no size.
	case $question in "-links +1" | "-size +100k") question="-type f $question" ;; esac
	diff <(cd $src/a && find . $question | sort) <(cd in && find . $question | sort) || fail "find $question"
done
grep -rq Aussicht in || fail "grep finds nothing"
if grep -rq 'not there' in; then fail "grep finds what is not there"; fi
diff <(cd $src/a && find . -type f -printf '%s %p\n' | sort) <(cd in && find . -type f -printf '%s %p\n' | sort)
test $(find in -type f -print0 | xargs -0 du -b -c | tail -n 1 | cut -f1) = $(find $src/a -type f -print0 | xargs -0 du -b -c | tail -n 1 | cut -f1)
test $(du -sk in | cut -f1) -ge 1400
df --output=size,avail . | tail -n 1 | { read -r size avail; test $size -ge $avail && test $avail -gt 0; }
df --output=iavail . | tail -n 1 | { read -r free; test $free -gt 0; }
cmp <(cd $src/a && find . -type f -exec cksum {} + | sort) <(cd in && find . -type f -exec cksum {} + | sort)
find in -name '*.JPG' -delete
test $(find in -type f | wc -l) = 1
