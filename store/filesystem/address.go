package filesystem

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store"
)

// place is a parsed address: GENERATION "/" NUMBER, a ULID in its canonical form and a
// decimal number from 1 without leading zeros. What begins with a slash is no such address but
// a store.Origin.
type place struct {
	generation ulid.ULID
	number     int
	// origin, if not empty, is the file of the original server, below the root; then there is
	// no generation.
	origin string
}

const maxNumber = 1<<16 - 1

// errAddress says that there is nothing at an address which another storage made, as content may
// be looked for in several.
var errAddress = &store.Error{Kind: store.NotFound, Err: errors.New("not an address of this storage")}

func parseAddress(a store.Address) (place, error) {
	if strings.HasPrefix(string(a), "/") {
		return parseOrigin(a)
	}
	folder, file, ok := strings.Cut(string(a), "/")
	if !ok {
		return place{}, fail("parse address", errAddress)
	}
	id, ok := parseGeneration(folder)
	if !ok {
		return place{}, fail("parse address", errAddress)
	}
	number, ok := parseNumber(file)
	if !ok {
		return place{}, fail("parse address", errAddress)
	}
	return place{generation: id, number: number}, nil
}

func parseGeneration(folder string) (ulid.ULID, bool) {
	id, err := ulid.ParseStrict(folder)
	return id, err == nil && id.String() == folder
}

func parseNumber(file string) (int, bool) {
	number, err := strconv.Atoi(file)
	if err != nil || number < 1 || number > maxNumber || strconv.Itoa(number) != file {
		return 0, false
	}
	return number, true
}

func (p place) address() store.Address {
	return store.Address(p.generation.String() + "/" + strconv.Itoa(p.number))
}

// path returns the file's name in the folder that holds the generations; it is no origin.
func (p place) path(content string) string {
	return filepath.Join(content, p.generation.String(), strconv.Itoa(p.number))
}
