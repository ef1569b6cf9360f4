# How the programs of GNOME save: g_file_replace writes .goutputstream-XXXXXX and renames it.
printf one > letter
first=$(ls 'letter;versions')
printf two | gio save letter
printf three | gio save --private letter
versions 3 letter
test "$(cat letter)" = three && test "$(cat "$first")" = one

# With a backup, the old file is moved away first.
printf four | gio save --backup letter
test "$(cat letter letter~)" = fourthree
test "$(cat "$first")" = one || fail "a reference of before the backup is broken"

printf more | gio save --append letter
test "$(cat letter)" = fourmore
printf new | gio save --create born
versions 1 born
! printf again | gio save --create born 2> $src/refused || fail "what is there was created"
etag=$(gio info -a etag::value born | sed -n 's/.*etag::value: //p')
printf newer | gio save --etag="$etag" born
! printf newest | gio save --etag="$etag" born 2> $src/refused || fail "what had changed was replaced"
test "$(cat born)" = newer

gio copy --preserve letter copied
test "$(stat -c '%s %y %a' copied)" = "$(stat -c '%s %y %a' letter)"
gio mkdir --parent deep/er
gio move copied deep/er/moved
test "$(cat deep/er/moved)" = fourmore
gio rename born 'reborn' > $src/renamed
test "$(cat reborn)" = newer
gio list --hidden > $src/names
sort $src/names | diff - <(printf '%s\n' deep letter letter~ reborn)
gio remove reborn
test ! -e reborn
