git init -q $src/r
cd $src/r
for i in 1 2 3 4 5; do mkdir d$i; seq $i 3000 > d$i/f; echo $i > f$i; done
git add . && git commit -qm first
cd - > /dev/null
git clone -q --no-local $src/r clone
git -C clone fsck --full --strict
test -z "$(git -C clone status --porcelain)"
versions 1 clone/f1 clone/d5/f
cd clone
echo more >> f1
git mv f2 g2
git commit -qam second
versions 2 clone/f1
git checkout -q -b side HEAD~1
echo side > f3
git commit -qam side
git checkout -q master 2>/dev/null || git checkout -q main
git merge -q -m merged side
git gc -q --prune=now
git fsck --full --strict
test $(git log --oneline | wc -l) = 4
test -z "$(git status --porcelain)"
git push -q origin HEAD:refs/heads/pushed
cd ..
versions 1 clone/f1 # to check out, git deletes a file and makes it again
git -C $src/r fsck --full
