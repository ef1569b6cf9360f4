cat > $src/edit.el <<'END'
; Replaces a word in a file, in its buffer, and saves it.
(defun edit (file from to)
  (find-file file)
  (goto-char (point-min))
  (while (search-forward from nil t) (replace-match to t t))
  (save-buffer))
(defun yes-or-no-p (_) t)
; By itself Emacs makes no backups of what is below /tmp.
(setq backup-enable-predicate (lambda (_) t))
END
edit() { emacs -Q --batch -l $src/edit.el "$@" > $src/emacs.log 2>&1 || fail "$(cat $src/emacs.log)"; }
count() { test "$(ls "$2;versions" | wc -l)" = $1 || fail "$2 has not $1 versions: $(ls "$2;versions")"; }

# The first save renames the old file to NAME~, with all versions it had, and writes a new one. Later saves of
# the same buffer write in place.
echo one > notes
first=$(ls 'notes;versions')
edit --eval '(edit "notes" "one" "two")' --eval '(edit "notes" "two" "three")'
test "$(cat notes notes~)" = $'three\none'
count 2 notes
count 1 notes~
edit --eval '(edit "notes" "three" "four")'
test "$(cat notes notes~)" = $'four\nthree'
count 1 notes
count 3 notes~
test "$(cat "$first")" = one || fail "a reference of before the backups is broken"

echo one > copying
edit --eval '(setq backup-by-copying t)' --eval '(edit "copying" "one" "two")' --eval '(edit "copying" "two" "three")'
test "$(cat copying copying~)" = $'three\none'
versions 3 copying

# A file that it must never lose it writes beside it and renames that. The other one is made empty, and may be a
# version already when it is written.
echo one > precious
chmod 640 precious
first=$(ls 'precious;versions')
edit --eval '(setq file-precious-flag t make-backup-files nil)' --eval '(edit "precious" "one" "two")'
test "$(cat precious)" = two && test "$(stat -c %a precious)" = 640
test "$(cat "$first")" = one || fail "a reference of before is broken"
case $(ls 'precious;versions' | wc -l) in 2 | 3) ;; *) fail "$(ls 'precious;versions')" ;; esac

echo one > many
for step in "one two" "two three"; do
	edit --eval '(setq version-control t)' --eval "(edit \"many\" \"${step% *}\" \"${step#* }\")"
done
test "$(cat many many.~1~ many.~2~)" = $'three\none\ntwo'

# What was edited and not saved is found.
edit --eval '(progn (find-file "notes") (auto-save-mode 1) (insert "more ") (do-auto-save))'
test "$(cat '#notes#')" = "more four"
edit --eval '(progn (recover-file "notes") (save-buffer))'
test "$(cat notes)" = "more four"

rm "#notes#" # Emacs leaves it on a disk as well

ls -A > $src/names
diff $src/names - <<'END'
copying
copying~
many
many.~1~
many.~2~
notes
notes~
precious
END
