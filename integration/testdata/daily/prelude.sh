# What each story begins with. It runs in a new folder of the mount; $src is one beside it, on a disk.
set -euo pipefail
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e

fail() { echo "line ${BASH_LINENO[0]}: $*" >&2; exit 1; }

# same A B: the trees have the same content, times, modes and links.
same() {
	diff -r --no-dereference "$1" "$2" || fail "$1 and $2 differ"
	changes=$(rsync -aicn --delete "$1/" "$2/")
	test -z "$changes" || fail "$1 and $2 differ: $changes"
}

# versions N NAME...: by the REST API each of the files has so many versions.
versions() {
	local want=$1 name got
	shift
	for name; do
		got=$(curl -sf -H "Authorization: Bearer $token" "$api/$name;versions" | tr , '\n' | grep -c :) || true
		test "$got" = "$want" || fail "$name has $got versions, not $want"
	done
}

# photos DIR: a collection of pictures, with what a camera and its owner make of it.
photos() {
	mkdir -p "$1"/2025/12 "$1"/2026/01 "$1"/albums/empty
	for i in 1 2 3 4 5 6; do
		head -c $((i * 70001)) /dev/urandom > "$1/2025/12/IMG_$i.JPG"
		touch -d "2025-12-0$i 10:20:30.12345678$i" "$1/2025/12/IMG_$i.JPG"
	done
	echo "Schöne Aussicht" > "$1/2026/01/ä ö ü.txt"
	ln -s "../2025/12/IMG_1.JPG" "$1/albums/best.jpg"
	touch -h -d 2026-01-02 "$1/albums/best.jpg"
	chmod 400 "$1/2025/12/IMG_1.JPG"
	chmod 750 "$1/albums"
	touch -d 2025-12-31 "$1/albums/empty" "$1/albums" "$1/2025/12" "$1/2025" "$1/2026/01" "$1/2026" "$1"
}
