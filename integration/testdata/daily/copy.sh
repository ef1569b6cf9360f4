photos $src/a
cp -a $src/a c
same $src/a c
mkdir t
tar -C $src/a -cf - . | tar -C t -xf -
same $src/a t
tar -C c -cf pack.tar .
tar -df pack.tar -C $src/a
versions 1 pack.tar
mv c moved
same $src/a moved
versions 1 moved/2025/12/IMG_1.JPG
mv moved/2025/12/IMG_2.JPG moved/2025/12/IMG_9.JPG
cmp $src/a/2025/12/IMG_2.JPG moved/2025/12/IMG_9.JPG
mv moved $src/away
test ! -e moved
rm -r t
ls -A
test "$(ls -A)" = pack.tar
