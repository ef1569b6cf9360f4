package fusefs

import (
	"context"
	"sync"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// Users says who in the store the user of the machine with that number is. Nobody in particular is
// the anonymous client; an error fails the operation. It may be called concurrently.
type Users func(ctx context.Context, uid uint32) (acl.Client, error)

// userMemory is how long it is remembered who a user is, and maxUsers of how many.
const (
	userMemory = time.Second
	maxUsers   = 1024
)

// users remembers for a moment who is who.
type users struct {
	ask Users // nil: everybody is the mount's one client

	mu    sync.Mutex // guards known
	known map[uint32]knownUser
}

type knownUser struct {
	client acl.Client
	until  time.Time
}

// recall returns who the user is, if somebody told a moment ago.
func (u *users) recall(uid uint32) (c acl.Client, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.known[uid]
	return known.client, ok && time.Now().Before(known.until)
}

// client finds out who the user is.
func (u *users) client(ctx context.Context, uid uint32) (acl.Client, error) {
	client, err := u.ask(ctx, uid)
	if err != nil {
		return acl.Client{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil || len(u.known) >= maxUsers {
		u.known = make(map[uint32]knownUser)
	}
	u.known[uid] = knownUser{client, time.Now().Add(userMemory)}
	return client, nil
}

// multi reports whether the caller decides who asks.
func (m *Mount) multi() bool { return m.users.ask != nil }

type clientKey struct{}

// as returns a context for calls on behalf of a client.
func as(ctx context.Context, c acl.Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// client returns who asks: the one place where that is decided. What is nobody's request is the
// mount's own doing.
func (m *Mount) client(ctx context.Context) acl.Client {
	if c, ok := ctx.Value(clientKey{}).(acl.Client); ok {
		return c
	}
	return m.cfg.Client
}

// identify returns ctx on behalf of the caller of a request. If nobody can tell who that is, the
// context has ended already, so that nothing is done in anybody's name.
func (m *Mount) identify(ctx, request context.Context) context.Context {
	if !m.multi() {
		return ctx
	}
	if c, ok := request.Value(clientKey{}).(acl.Client); ok { // a call within one
		return as(ctx, c)
	}
	uid := callerOf(request).Uid
	if c, ok := m.users.recall(uid); ok {
		return as(ctx, c)
	}
	asking, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer watch(asking, request, signalGrace, cancel)()
	client, err := m.users.client(asking, uid)
	if err == nil {
		return as(ctx, client)
	}
	m.log.Error().Err(err).Uint32("uid", uid).Msg("who this user is could not be found out")
	over, end := context.WithDeadline(as(ctx, acl.Client{}), time.Time{}) // not canceled: EINTR would be tried again
	end()
	return over
}

// seen returns what is known, as the client of the context sees it.
func (m *Mount) seen(ctx context.Context, info *service.Info) *service.Info {
	if !m.multi() || info == nil {
		return info
	}
	return info.For(m.client(ctx))
}

// sees reports whether who looks at info may do op, as far as that shows in attributes. Where
// several users look, all see the same.
func (m *Mount) sees(info *service.Info, op acl.Operation) bool {
	return m.multi() || info.May(op)
}

// mayWrite answers EACCES unless the client of the context may write to the draft of f, and read it
// unless it is to be truncated.
func (m *Mount) mayWrite(ctx context.Context, f *file, truncate bool) error {
	if truncate {
		return m.mayUse(ctx, f, acl.AddVersion)
	}
	return m.mayUse(ctx, f, acl.AddVersion, acl.ReadContent)
}

// mayUse answers EACCES unless the client of the context may do all operations with what the draft
// of f is to become. Only where there are several clients can that be another one's. A draft that
// the name no longer leads to is what its version is.
func (m *Mount) mayUse(ctx context.Context, f *file, ops ...acl.Operation) error {
	if !m.multi() {
		return nil
	}
	f.mu.Lock()
	d, path, unbound, active := f.draft, f.path, f.unbound, f.active()
	f.mu.Unlock()
	if d == nil || !active {
		return nil
	}
	client, maker := m.client(ctx), d.maker()
	call, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	info, err := m.svc.Look(call, client, store.Ref{Path: path})
	unborn := store.KindOf(err) == store.NotFound || err == nil && (unbound || info.IsNamespace() || !info.Holds())
	switch {
	case unborn && client.ID == maker.ID:
		return nil
	case unborn && unbound:
		return store.NewError(store.Denied, string(path), "")
	case unborn:
		info, err = m.svc.Look(call, client, store.Ref{Path: path.Parent()})
	}
	if err != nil {
		return err
	}
	for _, op := range ops {
		if !info.Would(op, maker) {
			return store.NewError(store.Denied, string(path), "")
		}
	}
	return nil
}
