# By itself vim makes no backups of what is below /tmp.
for backupcopy in yes no auto; do
	echo one > $backupcopy.txt
	vim -u NONE -N -es -c "set backupcopy=$backupcopy swapfile writebackup backupskip=" -c "e $backupcopy.txt" \
		-c '%s/one/two/' -c w -c '%s/two/three/' -c wq < /dev/null
	test "$(cat $backupcopy.txt)" = three
	versions 3 $backupcopy.txt
	test "$(cat $backupcopy.txt\;versions/* | sort | tr '\n' ' ')" = "one three two "
done
echo one > keep.txt
vim -u NONE -N -es -c 'set backup backupcopy=no backupskip=' -c 'e keep.txt' -c '%s/one/two/' -c wq < /dev/null
test "$(cat keep.txt keep.txt~)" = $'two\none'
rm keep.txt~
versions 2 keep.txt

echo one > f
sed -i s/one/two/ f
versions 2 f
perl -i -pe s/two/three/ f
versions 3 f
test "$(cat f)" = three

# Emacs and GTK: write beside it, sync, keep the old one, rename.
printf four > '#f#'
printf four > .goutputstream-A1B2C3
sync '.goutputstream-A1B2C3'
mv f f~
mv .goutputstream-A1B2C3 f
rm '#f#'
test "$(cat f f~)" = fourthree
test "$(ls -A | tr '\n' ' ')" = "auto.txt f f~ keep.txt no.txt yes.txt "
