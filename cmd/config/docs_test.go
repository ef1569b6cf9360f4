package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestThePageHasAllKeys compares the table of docs/CONFIGURATION.md with that of this package. What
// the page has to say is in the message.
func TestThePageHasAllKeys(t *testing.T) {
	page, err := os.ReadFile("../../docs/CONFIGURATION.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- keys -->\n", "<!-- end of keys -->"
	_, rest, _ := strings.Cut(string(page), begin)
	got, _, found := strings.Cut(rest, end)
	if want := tableOfKeys(t); !found || got != want {
		t.Errorf("between %q and %q the page must say\n%s", begin, end, want)
	}
}

func tableOfKeys(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, k := range Keys() {
		value, err := json.Marshal(k.Default)
		if err != nil {
			t.Fatal(err)
		}
		text := "`" + string(value) + "`"
		if s := string(value); s == `""` || s == "null" || s == "{}" || s == "[]" {
			text = ""
		}
		doc := k.Doc
		if len(k.Old) > 0 {
			doc += " (in old files `" + strings.Join(k.Old, "`, `") + "`)"
		}
		if k.Secret {
			doc += "; a secret"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, text, doc)
	}
	return b.String()
}
