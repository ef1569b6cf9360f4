package fusefs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// The kernel may remember an answer until what it rests on is as old as the configuration allows,
// wherever that was remembered before. In a mount of several users it remembers nothing.

// left returns how long something may still be remembered that was so at a time. It is never 0,
// which would mean the usual time.
func left(usual time.Duration, seen time.Time) time.Duration {
	return max(usual-time.Since(seen), time.Nanosecond)
}

// keepAttr says how long the kernel may remember attributes.
func (m *Mount) keepAttr(out *fuse.AttrOut, seen time.Time) {
	if !m.multi() {
		out.SetTimeout(left(m.cfg.AttrTimeout, seen))
	}
}

// keepEntry says how long the kernel may remember a name and its attributes. The zero time is that
// of a draft, of which this mount alone knows.
func (m *Mount) keepEntry(out *fuse.EntryOut, seen time.Time) {
	if m.multi() || seen.IsZero() {
		return
	}
	out.SetEntryTimeout(left(m.cfg.EntryTimeout, seen))
	out.SetAttrTimeout(left(m.cfg.AttrTimeout, seen))
}

// keepMiss says how long the kernel may remember that there is no such name.
func (m *Mount) keepMiss(out *fuse.EntryOut, name string, seen time.Time) {
	switch {
	case maybeVirtual(name):
		out.SetEntryTimeout(time.Nanosecond)
	case !m.multi():
		out.SetEntryTimeout(left(m.cfg.NegativeTimeout, seen))
	}
}
