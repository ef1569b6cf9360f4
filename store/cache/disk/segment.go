package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
)

// A segment is a file with up to perSegment blocks of one content. It begins with a header, the magic
// number and a sum for each block, 0 for one that is not there; block number n of the segment lies at
// headerSize + n*blockSize.
const (
	blockSize   = 128 << 10
	perSegment  = 32
	segmentSize = perSegment * blockSize
	headerSize  = 4096
)

// magic begins every segment. Another number is another layout.
const magic = "hatrac-cache-01\n"

// key names a content: a digest of its identity and its size.
type key [sha256.Size]byte

func keyOf(identity string, size int64) key {
	return sha256.Sum256(strconv.AppendInt([]byte(identity+"\x00"), size, 10))
}

// place names a segment: number n of a content.
type place struct {
	key key
	n   int64
}

// name returns the path of the segment in the folder of the cache.
func (p place) name() string {
	return fmt.Sprintf("%02x/%s-%x", p.key[0], hex.EncodeToString(p.key[1:]), p.n)
}

// parsePlace is the inverse of name; folder and file are the two parts of it.
func parsePlace(folder, file string) (p place, ok bool) {
	digest, number, _ := strings.Cut(file, "-")
	raw, err := hex.DecodeString(folder + digest)
	n, errNumber := strconv.ParseInt(number, 16, 64)
	if err != nil || errNumber != nil || len(raw) != len(p.key) {
		return place{}, false
	}
	copy(p.key[:], raw)
	p.n = n
	return p, p.name() == folder+"/"+file
}

// sums are those of the blocks of a segment.
type sums [perSegment]uint64

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf returns the sum of a block, which is also one of where it belongs. It is never 0.
func (p place) sumOf(block int, data []byte) uint64 {
	var belongs [len(p.key) + 16]byte
	copy(belongs[:], p.key[:])
	binary.LittleEndian.PutUint64(belongs[len(p.key):], uint64(p.n))
	binary.LittleEndian.PutUint64(belongs[len(p.key)+8:], uint64(block))
	one := crc32.Update(crc32.Checksum(belongs[:], castagnoli), castagnoli, data)
	other := crc32.Update(crc32.ChecksumIEEE(belongs[:]), crc32.IEEETable, data)
	return max(uint64(one)<<32|uint64(other), 1)
}

// readSums reads the header of a segment. What is no header tells of no blocks.
func readSums(file *os.File) (sums, error) {
	var header [len(magic) + 8*perSegment]byte
	if _, err := file.ReadAt(header[:], 0); err != nil && err != io.EOF {
		return sums{}, err
	}
	var s sums
	if string(header[:len(magic)]) != magic {
		return s, nil
	}
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(header[len(magic)+8*i:])
	}
	return s, nil
}

// writeBlock writes a block and then its sum. The magic number may have been damaged, too.
func writeBlock(file *os.File, block int, data []byte, sum uint64) error {
	if _, err := file.WriteAt(data, headerSize+int64(block)*blockSize); err != nil {
		return err
	}
	if _, err := file.WriteAt(binary.LittleEndian.AppendUint64(nil, sum), int64(len(magic)+8*block)); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(magic), 0)
	return err
}
