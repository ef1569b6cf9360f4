package rest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// FuzzField: a value that was taken can stand in a header, and says the same when it comes back.
func FuzzField(f *testing.F) {
	for _, seed := range [][2]string{
		{"content-type", "text/plain; charset=utf-8"},
		{"content-type", "a/b\r\nX: y"},
		{"Content-Disposition", "filename*=UTF-8''a%20b"},
		{"content-disposition", "filename*=UTF-8''%2e%2e"},
		{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="},
		{"content-md5", "5d41402abc4b2a76b9719d911017c592"},
		{"content-md5", "XUFAKrxLKna5cZ2REBfFkh=="},
		{"content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
		{"content-sha256", " \tLPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, field, value string) {
		var m store.Metadata
		if service.ParseField(field, value, &m) != nil {
			return
		}
		fields := service.Fields(m)
		if len(fields) > 1 {
			t.Fatalf("%s: %q set %v", field, value, fields)
		}
		for name, text := range fields {
			if !strings.EqualFold(name, field) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%s: %q became %s: %q", field, value, name, text)
			}
			var again store.Metadata
			must(t, service.ParseField(name, text, &again))
			if diff := cmp.Diff(m, again); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// FuzzJobRequest: whatever is taken can be an upload.
func FuzzJobRequest(f *testing.F) {
	for _, text := range []string{
		`{"chunk-length": 5, "content-length": 11, "content-type": "a/b"}`,
		`{"chunk_bytes": "5", "total_bytes": "0", "content_md5": null}`,
		`{"chunk-length": 1e3, "content-length": -0}`, `{"chunk-length":"\u0031","content-length":"١"}`,
		`{}`, `null`, `[]`, `{"chunk-length":{}}`, `{"chunk-length":1,"chunk-length":2,"content-length":3}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		asked, err := parseJob(text)
		if err != nil {
			if store.KindOf(err) != store.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if asked.chunk < 1 || asked.size < 0 || !json.Valid(text) {
			t.Fatalf("%q is %+v", text, asked)
		}
	})
}

// FuzzCommand: what is taken is one of the commands, whole.
func FuzzCommand(f *testing.F) {
	for _, text := range []string{
		`{"command":"restore"}`, `{"command":"rename_from","source_name":"/a","versions":["v"]}`,
		`{"command":"rename_from","source_name":"/a","source_versions":[],"copy_acls":true}`,
		`{"COMMAND":"restore"}`, `{"command":"restore"}{}`, `{"renaming":{}}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cmd, err := parseCommand(text)
		if err != nil {
			if store.KindOf(err) != store.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		whole := cmd.Command == restore && !cmd.given() || cmd.Command == renameFrom && strings.HasPrefix(cmd.SourceName, "/")
		if !whole || !json.Valid(text) {
			t.Fatalf("%q is %+v", text, cmd)
		}
	})
}

// FuzzEntries: a list comes back as it was given.
func FuzzEntries(f *testing.F) {
	for _, text := range []string{
		`["a","*"]`, `[]`, `["\u0000"]`, `[null]`, `null`, `["\ud800"]`, `["a"]x`, `{"0":"a"}`, `"a"`, "[\"\xff\"]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseEntries(text)
		if err != nil {
			if store.KindOf(err) != store.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, entry := range entries {
			if !utf8.ValidString(entry) || strings.IndexByte(entry, 0) >= 0 {
				t.Fatalf("%q has the entry %q", text, entry)
			}
		}
		written, err := json.Marshal(entries)
		must(t, err)
		again, err := parseEntries(bytes.TrimSpace(written))
		must(t, err)
		if diff := cmp.Diff(entries, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzErrorTemplate: any text is either refused or filled in without anything of the values
// being read as a part of the page.
func FuzzErrorTemplate(f *testing.F) {
	for _, text := range []string{"%(code)s %(message)s", "%%(code)s", "%", "%(", "%(title)s%", "100%"} {
		f.Add(text, "<script>")
	}
	f.Fuzz(func(t *testing.T, text, detail string) {
		template, err := parseErrorTemplate(text)
		if err != nil || strings.ContainsAny(text, "<>") {
			return
		}
		p := problem{Status: 404, Title: "Not Found", Instance: "/x", Detail: detail}
		if page := template.render(p, typeHTML); bytes.ContainsAny(page, "<>") {
			t.Fatalf("%q with %q became %q", text, detail, page)
		}
	})
}
