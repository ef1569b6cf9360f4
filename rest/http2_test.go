package rest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHTTP2DemandsNoLength(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 1 << 20 }})
	web := httptest.NewUnstartedServer(s.server)
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(web.Close)
	send := func(method, target string, body io.Reader) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, web.URL+target, body)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+s.tokens[admin])
		response, err := web.Client().Do(req)
		must(t, err)
		defer response.Body.Close()
		if response.ProtoMajor != 2 {
			t.Fatalf("this is %s", response.Proto)
		}
		text, err := io.ReadAll(response.Body)
		must(t, err)
		return response, string(text)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	unknown := struct{ io.Reader }{bytes.NewReader(content)}
	if r, text := send("PUT", "/hatrac/o", unknown); r.StatusCode != 201 {
		t.Fatalf("PUT: %d %s", r.StatusCode, text)
	}
	if r, text := send("GET", "/hatrac/o", nil); text != string(content) || r.ContentLength != int64(len(content)) {
		t.Errorf("GET: %d bytes, length %d", len(text), r.ContentLength)
	}
	tooMuch := struct{ io.Reader }{io.MultiReader(bytes.NewReader(content), bytes.NewReader(content))}
	if r, text := send("PUT", "/hatrac/o", tooMuch); r.StatusCode != 413 {
		t.Errorf("PUT of too much: %d %s", r.StatusCode, text)
	}
	if r, _ := send("PUT", "/hatrac/none", http.NoBody); r.StatusCode != 201 {
		t.Errorf("PUT of nothing: %d", r.StatusCode)
	}
	if r, _ := send("DELETE", "/hatrac/o", nil); r.StatusCode != 204 {
		t.Errorf("DELETE: %d", r.StatusCode)
	}
}
