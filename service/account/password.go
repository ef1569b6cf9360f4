package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/hatrac/hatrac/store"
)

// The cost of one password hash (RFC 9106 §4, the recommendation for little memory, and twice
// its passes for half its memory).
const (
	hashPasses  = 3
	hashMemory  = 32 << 10 // KiB
	hashThreads = 2
	hashLength  = 32
	saltLength  = 16
)

// parallelHashes is how many passwords are hashed at one time.
const parallelHashes = 4

// hashNew checks a new password and hashes it; an empty one has the empty hash, which nothing
// matches.
func (a *Accounts) hashNew(ctx context.Context, password string) (string, error) {
	switch {
	case password == "":
		return "", nil
	case len(password) < minPassword:
		return "", store.NewError(store.Invalid, "", "A password must have at least 8 bytes.")
	case len(password) > maxPassword:
		return "", store.NewError(store.Invalid, "", "A password can have at most 1024 bytes.")
	}
	if err := a.enter(ctx); err != nil {
		return "", err
	}
	defer a.leave()
	return hash(password), nil
}

// enter waits for a place among those who hash; leave gives it back.
func (a *Accounts) enter(ctx context.Context) error {
	select {
	case a.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Accounts) leave() { <-a.hashing }

// hash returns the password's hash in PHC string format, with a new salt.
func hash(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails: crypto/rand
	sum := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashThreads, hashLength)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, hashMemory, hashPasses, hashThreads, text(salt), text(sum))
}

// matches reports, in a time that does not depend on the password, whether it has the hash.
func matches(password, hashed string) bool {
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var version, memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[2]+"$"+parts[3], "v=%d$m=%d,t=%d,p=%d", &version, &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || version != argon2.Version || passes == 0 || threads == 0 {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false
	}
	sum := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(sum, want) == 1
}

// randomText returns the text form of n random bytes.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// GeneratePassword returns a new random password of 24 characters.
func GeneratePassword() string { return randomText(18) }
