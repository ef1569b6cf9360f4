package rest

import (
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Failed logins that are let through: some at once, then one in each interval.
const (
	addressFailures = 30
	addressInterval = 2 * time.Second
	nameFailures    = 10
	nameInterval    = 10 * time.Second
)

// loginLimit slows down whoever guesses passwords: from one address, and of one user. Only
// failures count.
type loginLimit struct{ addresses, names *throttle }

func newLoginLimit() *loginLimit {
	return &loginLimit{
		addresses: newThrottle(addressFailures, addressInterval),
		names:     newThrottle(nameFailures, nameInterval),
	}
}

// take counts a login as failed until it is given back, or answers 429.
func (l *loginLimit) take(address, name string) error {
	if wait := l.addresses.take(network(address)); wait > 0 {
		return tooManyLogins(wait)
	}
	if wait := l.names.take(name); wait > 0 {
		return tooManyLogins(wait)
	}
	return nil
}

// giveBack says that a login did not fail.
func (l *loginLimit) giveBack(address, name string) {
	l.addresses.giveBack(network(address))
	l.names.giveBack(name)
}

func tooManyLogins(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return &refusal{
		status:  http.StatusTooManyRequests,
		message: "There were too many failed logins; please wait before the next one.",
		header:  map[string]string{"Retry-After": strconv.Itoa(seconds)},
	}
}

// network returns what one client has for itself: an IPv4 address, or an IPv6 network.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

// throttleSlots is how many keys a throttle tells apart, so that its memory is constant.
const throttleSlots = 1 << 14

// throttle lets some of the same key through at once, and then one in each interval. Keys that
// fall into the same slot, which nobody can bring about, share it.
type throttle struct {
	seed     maphash.Seed
	start    time.Time
	interval time.Duration
	ahead    time.Duration // how far a slot may be ahead of the clock

	mu    sync.Mutex // guards slots
	slots [throttleSlots]time.Duration
}

func newThrottle(burst int, interval time.Duration) *throttle {
	return &throttle{
		seed: maphash.MakeSeed(), start: time.Now(), interval: interval,
		ahead: time.Duration(burst-1) * interval,
	}
}

func (t *throttle) slot(key string) *time.Duration {
	return &t.slots[maphash.String(t.seed, key)%throttleSlots]
}

// take lets one through, or returns how long to wait. A slot holds when all that it has let
// through would have come one in each interval.
func (t *throttle) take(key string) (wait time.Duration) {
	now := time.Since(t.start)
	t.mu.Lock()
	defer t.mu.Unlock()
	slot := t.slot(key)
	at := max(*slot, now)
	if wait = at - now - t.ahead; wait > 0 {
		return wait
	}
	*slot = at + t.interval
	return 0
}

// giveBack undoes one take.
func (t *throttle) giveBack(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*t.slot(key) -= t.interval
}
