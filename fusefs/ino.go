package fusefs

import (
	"crypto/rand"
	"encoding/binary"
)

// Inode numbers end in a tag of two bits, which says what the rest is. A version's own number
// (tag 1, or what it was bound with) is store.Version.Inode.
const (
	tagName     = 0 // ID of a name: namespaces, and the directories of an object's versions
	tagVersion  = 1 // ID of a version
	tagDraft    = 2 // random: files that were made in a mount, and what is virtual in it
	tagSnapshot = 3 // ID of a version that is shown as a snapshot

	tagBits = 2
)

func nameIno(id int64) uint64     { return uint64(id)<<tagBits | tagName }
func versionIno(id int64) uint64  { return uint64(id)<<tagBits | tagVersion }
func snapshotIno(id int64) uint64 { return uint64(id)<<tagBits | tagSnapshot }

// draftIno returns a number that no other file will have.
func draftIno() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])>>4<<tagBits | tagDraft
}
