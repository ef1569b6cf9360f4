package account

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/hatrac/hatrac/store"
)

// legacyScheme names the hash of imported passwords: $webauthn2$r=ROUNDS$SALT$HASH, both in hex.
const legacyScheme = "webauthn2"

// maxRounds bounds the work that an imported hash may ask for.
const maxRounds = 10_000_000

// Imported is an account of a sister service.
type Imported struct {
	Name  string
	Roles []string
	// Hash is Rounds rounds of hex(HMAC-MD5) with the Salt, both in hex, over the password;
	// empty: there is no password.
	Hash, Salt string
	Rounds     int
}

// Import adds an account of a sister service. Its password works, and is hashed anew when it is
// first used. Exists: there is one of that name, and nothing is changed. Invalid: the name, a role
// or the hash cannot be used.
func (a *Accounts) Import(ctx context.Context, u Imported) error {
	if err := checkName("A user name", u.Name); err != nil {
		return err
	}
	if err := checkRoles(u.Roles); err != nil {
		return err
	}
	hashed := ""
	if u.Hash != "" {
		hashed = fmt.Sprintf("$%s$r=%d$%s$%s", legacyScheme, u.Rounds, strings.ToLower(u.Salt), strings.ToLower(u.Hash))
		if _, ok := parseLegacy(hashed); !ok {
			return store.NewError(store.Invalid, u.Name, "The password hash of this user is not understood.")
		}
	}
	err := a.db.CreateUser(ctx, store.User{Name: u.Name, Roles: u.Roles, Hash: hashed, Created: time.Now()})
	if store.KindOf(err) == store.Exists {
		return store.NewError(store.Exists, u.Name, "There is a user of this name already.")
	}
	return err
}

// legacyHash is an imported hash.
type legacyHash struct {
	rounds    int
	salt, sum []byte
}

func parseLegacy(hashed string) (h legacyHash, ok bool) {
	parts := strings.Split(hashed, "$")
	if len(parts) != 5 || parts[1] != legacyScheme {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[2], "r=%d", &h.rounds); err != nil || h.rounds < 1 || h.rounds > maxRounds {
		return h, false
	}
	var err error
	if h.salt, err = hex.DecodeString(parts[3]); err != nil {
		return h, false
	}
	if h.sum, err = hex.DecodeString(parts[4]); err != nil || len(h.sum) != md5.Size {
		return h, false
	}
	return h, true
}

// matches reports whether a password has the hash.
func (h legacyHash) matches(password string) bool {
	message := []byte(password)
	var sum []byte
	for range h.rounds {
		mac := hmac.New(md5.New, h.salt)
		mac.Write(message)
		sum = mac.Sum(nil)
		message = []byte(hex.EncodeToString(sum))
	}
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// isLegacy reports whether a hash is an imported one.
func isLegacy(hashed string) bool { return strings.HasPrefix(hashed, "$"+legacyScheme+"$") }

// modernize replaces the imported hash of a password that has just been verified.
func (a *Accounts) modernize(ctx context.Context, user store.User, password string) error {
	if !isLegacy(user.Hash) {
		return nil
	}
	if err := a.enter(ctx); err != nil {
		return err
	}
	hashed := hash(password)
	a.leave()
	now, err := a.db.User(ctx, user.Name)
	if err != nil || now.Hash != user.Hash {
		return err // another login was first, or the password has been changed
	}
	return a.db.SetPassword(ctx, user.Name, hashed)
}
