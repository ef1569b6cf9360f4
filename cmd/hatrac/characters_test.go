package main

import (
	"testing"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/store"
)

func TestTheConfiguredCharactersReachTheAPI(t *testing.T) {
	bare := store.DefaultBareCharacters()
	if restConfig(&config.Config{Bare: bare}).BareCharacters != bare {
		t.Error("names are read by another set of characters")
	}
}
