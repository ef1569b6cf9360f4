package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsersOfTheMachine(t *testing.T) {
	cfg, report := Read(Source{Data: t.TempDir(), Environ: []string{
		`HATRAC_MAP_USERS__USERS={"ann": "https://id.example/ann", "1001": "bob"}`,
		`HATRAC_MAP_USERS__GROUPS={"staff": "everyone", "200": ["a", "b"]}`,
	}})
	if cfg == nil {
		t.Fatal(report.Errors)
	}
	want := MapUsers{
		Users:  map[string]string{"ann": "https://id.example/ann", "1001": "bob"},
		Groups: map[string][]string{"staff": {"everyone"}, "200": {"a", "b"}},
	}
	if diff := cmp.Diff(want, cfg.MapUsers); diff != "" {
		t.Error(diff)
	}
}

func TestUsersOfTheMachineThatAreNobody(t *testing.T) {
	for _, variable := range []string{
		`HATRAC_MAP_USERS__USERS={"ann": ["bob"]}`,
		`HATRAC_MAP_USERS__USERS={"ann": ""}`,
		`HATRAC_MAP_USERS__GROUPS={"staff": 1}`,
		`HATRAC_MAP_USERS__GROUPS={"staff": ["a", ""]}`,
	} {
		if cfg, _ := Read(Source{Data: t.TempDir(), Environ: []string{variable}}); cfg != nil {
			t.Errorf("%s is accepted", variable)
		}
	}
}
