# Programs that call the file system in every way at once, each checking what comes of it.
stressors="access chdir chmod chown copy-file dentry dir dirdeep dirmany dup fallocate fcntl filename flock fpunch
	fstat getdent hdd iomix locka lockf lockofd open rename symlink sync-file touch utime"
for name in $stressors; do chosen="${chosen:-} --$name 1"; done
stress-ng --verify --temp-path . --timeout 4s \
	--hdd-bytes 16m --fallocate-bytes 16m --iomix-bytes 16m $chosen > $src/log 2>&1 || fail "$(cat $src/log)"
test -z "$(ls -A)" || fail "left behind: $(ls -A)"
