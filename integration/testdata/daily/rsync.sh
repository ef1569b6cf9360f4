photos $src/a
rsync -a $src/a/ in/
test -z "$(rsync -ai $src/a/ in/)" || fail "the same again transfers something"
test -z "$(rsync -aic $src/a/ in/)" || fail "the same again with -c transfers something"
same $src/a in
rsync -a in/ $src/out/
same $src/a $src/out
versions 1 in/2025/12/IMG_{1..6}.JPG

echo changed >> $src/a/2025/12/IMG_2.JPG
rm $src/a/2025/12/IMG_3.JPG
rsync -a --delete $src/a/ in/
same $src/a in
versions 2 in/2025/12/IMG_2.JPG
versions 1 in/2025/12/IMG_{1,4,5,6}.JPG

printf X | dd of=$src/a/2025/12/IMG_6.JPG bs=1 seek=200000 conv=notrunc status=none
rsync -a --inplace --no-whole-file $src/a/ in/
same $src/a in
versions 2 in/2025/12/IMG_6.JPG

echo more >> $src/a/2025/12/IMG_5.JPG
rsync -a --partial --delay-updates $src/a/ in/
same $src/a in
versions 2 in/2025/12/IMG_5.JPG

cp -p in/2025/12/IMG_4.JPG $src/before
echo more >> $src/a/2025/12/IMG_4.JPG
rsync -a --backup $src/a/ in/
cmp $src/before in/2025/12/IMG_4.JPG~
cmp $src/a/2025/12/IMG_4.JPG in/2025/12/IMG_4.JPG
rm in/2025/12/IMG_4.JPG~

# The same size and time, other content: only -c sees it.
printf Y | dd of=$src/a/2025/12/IMG_5.JPG bs=1 seek=3 conv=notrunc status=none
touch -r in/2025/12/IMG_5.JPG $src/a/2025/12/IMG_5.JPG
rsync -a $src/a/ in/
versions 2 in/2025/12/IMG_5.JPG
rsync -ac $src/a/ in/
versions 3 in/2025/12/IMG_5.JPG
rsync -a --delete $src/a/ in/
same $src/a in
