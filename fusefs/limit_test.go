package fusefs

import "testing"

// TestNoFileIsTooLargeToBecomeAVersion: it would be read for hours, and whoever closes it would wait.
func TestNoFileIsTooLargeToBecomeAVersion(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_RDWR | os.O_CREAT); n = os.write(fd, b"text")`)
	p.fails(`os.ftruncate(fd, (16 << 40) + 1)`, "EFBIG")
	p.fails(`os.pwrite(fd, b"far", 1 << 60)`, "EFBIG")
	p.fails(`os.posix_fallocate(fd, 0, 1 << 60)`, "EFBIG")
	p.must(`total = os.statvfs(".").f_blocks * 4096`)
	p.must(`assert os.fstat(fd).st_size == 4; more = max(total, 1 << 40) + 4096`)
	p.fails(`os.ftruncate(fd, more)`, "EFBIG")
	p.must(`os.close(fd)`)
	p.fails(`os.truncate("f", more)`, "EFBIG")
	r.settled()
	r.holds("/f", "text")
}
