package rest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/hatrac/hatrac/store"
)

// pagePolicy lets pages for people have their own style and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed pages.html
var pagesSource string

// pages are the templates of pages for people.
type pages struct{ begin, rows, end, error *template.Template }

func parsePages() *pages {
	all := template.Must(template.New("pages").Funcs(template.FuncMap{
		"size": sizeText,
		"time": timeText,
		"text": func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") },
	}).Parse(pagesSource))
	return &pages{
		begin: all.Lookup("begin"), rows: all.Lookup("rows"),
		end: all.Lookup("end"), error: all.Lookup("error"),
	}
}

// problem returns the page that tells an error.
func (p *pages) problem(about problem) []byte {
	var b bytes.Buffer
	if err := p.error.Execute(&b, about); err != nil {
		return []byte(template.HTMLEscapeString(about.Detail))
	}
	return b.Bytes()
}

// page is a listing for people.
type page struct {
	*pages
	heading heading
	count   int
}

// heading is what stands over a list: its title and, as links, the names that lead there.
type heading struct {
	Title string
	Way   []crumb
	// Last is what the list is of.
	Last string
	// Objects is true if the list may have objects in it.
	Objects bool
}

type crumb struct{ Name, URL string }

func (x *exchange) heading(l listing) heading {
	h := heading{Title: string(l.path), Last: store.DecodeSegment(l.path.Base()), Objects: l.sub == ""}
	for _, path := range l.path.Enclosing() {
		h.Way = append(h.Way, x.crumb(path))
	}
	if l.sub != "" {
		h.Title += ";" + string(l.sub)
		h.Way, h.Last = append(h.Way, x.crumb(l.path)), string(l.sub)
	}
	return h
}

func (x *exchange) crumb(path store.Path) crumb {
	name := store.DecodeSegment(path.Base())
	if path.IsRoot() {
		name = "/"
	}
	return crumb{Name: name, URL: x.server.scheme.ref(store.Ref{Path: path})}
}

func (p *page) begin(b *bytes.Buffer) error { return p.pages.begin.Execute(b, p.heading) }

func (p *page) rows(b *bytes.Buffer, rows []row) error {
	p.count += len(rows)
	return p.pages.rows.Execute(b, struct {
		Objects bool
		Rows    []row
	}{p.heading.Objects, rows})
}

func (p *page) end(b *bytes.Buffer) error { return p.pages.end.Execute(b, p.count) }

// sizeText writes a number of bytes for people; unknown ones are blank.
func sizeText(n *int64) string {
	if n == nil {
		return ""
	}
	if *n < 1000 {
		return fmt.Sprintf("%d B", *n)
	}
	size := float64(*n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		if size /= 1000; size < 999.95 {
			return fmt.Sprintf("%.1f %s", size, unit)
		}
	}
	return fmt.Sprintf("%.1f PB", size/1000)
}

func timeText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
