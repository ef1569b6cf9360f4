photos $src/a
rsync -a $src/a/ in/
yesterday=$(date -u +%FT%T.%NZ)
cp -a $src/a $src/yesterday

for i in 2 3; do head -c 50000 /dev/urandom > $src/a/2025/12/IMG_$i.JPG; done
mkdir $src/a/new
echo new > $src/a/new/IMG_7.JPG
rsync -a $src/a/ in/
same $src/a in
today=$(date -u +%FT%T.%NZ)
here=$top/.snapshots/$yesterday/${PWD#$top/}
test ! -e $here/in/new || fail "what is new was there yesterday"
diff -r --no-dereference $src/yesterday $here/in

# One picture, by its version of then; all of them, by the snapshot.
first=$(ls in/2025/12/.versions/IMG_2.JPG | head -n 1)
cp in/2025/12/.versions/IMG_2.JPG/$first in/2025/12/IMG_2.JPG
cmp $src/yesterday/2025/12/IMG_2.JPG in/2025/12/IMG_2.JPG
rsync -ac --delete $here/in/ in/
diff -r --no-dereference $src/yesterday in
versions 1 in/2025/12/IMG_{1,4,5,6}.JPG
versions 3 in/2025/12/IMG_{2,3}.JPG

# Today's changed pictures are still there.
for i in 2 3; do cmp $src/a/2025/12/IMG_$i.JPG $top/.snapshots/$today/${PWD#$top/}/in/2025/12/IMG_$i.JPG; done
if touch $here/in/x 2>/dev/null; then fail "the past can be changed"; fi
