package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// newBrowser starts Chromium, which ends with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("this test needs the program chromium; \"make deps\" installs it")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()),
		chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-component-update", true),
	)
	t.Cleanup(cancel)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Errorf("the browser does not end: %v", err)
		}
		end()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	patient, stop := context.WithTimeout(browser, patience)
	t.Cleanup(stop)
	return patient
}

// visit opens a page.
func visit(t *testing.T, browser context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(browser, chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// asks runs JavaScript in the page that is open, and returns what comes of it as text. An exception is
// told by its name.
func asks(t *testing.T, browser context.Context, script string) string {
	t.Helper()
	script = "(async () => { try { return String(await (async () => {" + script + "})()) } catch (e) { return e.name } })()"
	got, err := chromedp.Run(browser, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return got
}

// wantsAnswer is asks with the answer that must come.
func wantsAnswer(t *testing.T, browser context.Context, want, script string) {
	t.Helper()
	if got := asks(t, browser, script); got != want {
		t.Errorf("the page gets %q, want %q, of\n%s", got, want, script)
	}
}

// newPortal is a web site of its own, with an empty page. It says itself what its pages may do.
func newPortal(t *testing.T) string {
	t.Helper()
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>portal</title><body></body>"))
	}))
	t.Cleanup(portal.Close)
	return portal.URL
}

// literal writes a text as JavaScript.
func literal(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// newPortalSite serves a store that the pages of one portal may use.
func newPortalSite(t *testing.T) (s *site, portal string) {
	t.Helper()
	portal = newPortal(t)
	s = &site{t: t, data: filepath.Join(t.TempDir(), "data")}
	s.process = start(t, nil, "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--log-level", "warn",
		"--allowed-origins", portal)
	s.url = s.waitFor("REST API")
	output(t, "correct horse\n", program, "user", "add", "ada", "--password-file", "-", "--data", s.data)
	admin := s.as(s.token("admin"))
	for _, right := range []string{"create", "read", "subtree-read", "subtree-update"} {
		admin.want(http.StatusNoContent, http.MethodPut, "/;acl/"+right+"/ada", "")
	}
	return s, portal
}

const logIn = `
	const form = new URLSearchParams({username: "ada", password: "correct horse"});
	const answer = await fetch(api + "/authn/session", {method: "POST", body: form, credentials: "include"});
	return answer.status + " " + (await answer.json()).client.id;`

// A web application on another origin, which the configuration allows, does all that a client does.
func TestAPortalUsesTheStoreFromABrowser(t *testing.T) {
	s, portal := newPortalSite(t)
	browser := newBrowser(t)
	visit(t, browser, portal)
	wants := func(want, script string) {
		t.Helper()
		wantsAnswer(t, browser, want, "const store = "+literal(s.url)+", api = new URL(store).origin;"+script)
	}
	wants("401", `return (await fetch(store + "/", {credentials: "include"})).status`)
	wants("200 ada", logIn)
	wants("200 []", `
		const answer = await fetch(store + "/?cid=portal", {credentials: "include"});
		return answer.status + " " + (await answer.text()).trim();`)
	wants("201 201 true", `
		const namespace = await fetch(store + "/lab", {method: "PUT", credentials: "include",
			headers: {"Content-Type": "application/x-hatrac-namespace"}});
		const object = await fetch(store + "/lab/a%20b", {method: "PUT", body: "one", credentials: "include",
			headers: {"Content-Type": "text/plain", "If-None-Match": "*", "deriva-client-context": "x"}});
		return [namespace.status, object.status, object.headers.get("Location").startsWith("/hatrac/lab/a%20b:")].join(" ");`)
	wants("412 201 412", `
		const put = (tag, body) => fetch(store + "/lab/a%20b", {method: "PUT", body, credentials: "include",
			headers: {"Content-Type": "text/plain", "If-Match": tag}});
		const tag = (await fetch(store + "/lab/a%20b", {credentials: "include"})).headers.get("ETag");
		return [(await put('"other"', "x")).status, (await put(tag, "two")).status, (await put(tag, "three")).status].join(" ");`)
	wants("two 206 wo bytes 1-2/3", `
		const whole = await fetch(store + "/lab/a%20b", {credentials: "include"});
		const part = await fetch(store + "/lab/a%20b", {credentials: "include", headers: {"Range": "bytes=1-"}});
		return [await whole.text(), part.status, await part.text(), part.headers.get("Content-Range")].join(" ");`)
	wants("204204204 201 1234567", `
		const file = new Blob(["1234567"]);
		const json = {"Content-Type": "application/json"};
		const job = await fetch(store + "/lab/chunks;upload", {method: "POST", headers: json, credentials: "include",
			body: JSON.stringify({"chunk-length": 3, "content-length": file.size, "content-type": "text/plain"})});
		const url = api + (await job.text()).slice(0, -1);
		let statuses = "";
		for (const n of [2, 0, 1]) {
			const chunk = await fetch(url + "/" + n, {method: "PUT", credentials: "include", body: file.slice(3 * n, 3 * n + 3),
				headers: {"Content-Type": "application/octet-stream"}});
			statuses += chunk.status;
		}
		const done = await fetch(url, {method: "POST", credentials: "include"});
		return [statuses, done.status, await (await fetch(api + done.headers.get("Location"), {credentials: "include"})).text()].join(" ");`)
	wants("204 404", `
		const gone = await fetch(store + "/lab/chunks", {method: "DELETE", credentials: "include"});
		return gone.status + " " + (await fetch(store + "/lab/chunks", {credentials: "include"})).status;`)
	wants("200 401", `
		const out = await fetch(api + "/authn/session", {method: "DELETE", credentials: "include"});
		return out.status + " " + (await fetch(store + "/lab", {credentials: "include"})).status;`)
	s.stop()
}

// A page of any other origin can neither read nor change anything, though the browser sends the cookie
// along.
func TestAStrangePageCanDoNothingInABrowser(t *testing.T) {
	s, portal := newPortalSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/lab")
	admin.put("/lab/o", "secret")
	browser := newBrowser(t)
	visit(t, browser, portal)
	begin := "const store = " + literal(s.url) + ", api = new URL(store).origin;"
	wantsAnswer(t, browser, "200 ada", begin+logIn)
	visit(t, browser, newPortal(t))
	wants := func(want, script string) {
		t.Helper()
		wantsAnswer(t, browser, want, begin+script)
	}
	wants("TypeError", `return (await fetch(store + "/lab/o", {credentials: "include"})).text()`)
	wants("TypeError", `return (await fetch(store + "/lab/o", {method: "PUT", body: "x", credentials: "include"})).status`)
	wants("TypeError", `return (await fetch(store + "/lab/o", {method: "DELETE", credentials: "include"})).status`)
	wants("TypeError", `return (await fetch(api + "/authn/session", {credentials: "include"})).text()`)
	wants("opaque", `return (await fetch(store + "/lab/o;upload", {method: "POST", mode: "no-cors", credentials: "include",
		body: '{"chunk-length":1,"content-length":1}'})).type`)
	if jobs := admin.want(http.StatusOK, http.MethodGet, "/lab/o;upload", ""); strings.TrimSpace(string(jobs)) != "[]" {
		t.Errorf("a strange page has begun an upload: %s", jobs)
	}
	// An upload is finished by a request that needs neither a body nor a type.
	ada := s.as(s.token("ada"))
	job := ada.below(strings.TrimSpace(string(ada.want(http.StatusCreated, http.MethodPost, "/lab/o;upload",
		`{"chunk-length":1,"content-length":0}`, "Content-Type", "application/json"))))
	wants("opaque", `return (await fetch(store + `+literal(job)+`, {method: "POST", mode: "no-cors", credentials: "include"})).type`)
	ada.want(http.StatusOK, http.MethodGet, job, "")
	// A form needs no leave of the server to be sent.
	wants("sent", `
		document.body.innerHTML = '<iframe name="there"></iframe><form method="post" enctype="text/plain" target="there"></form>';
		const form = document.forms[0];
		form.action = store + "/lab/moved";
		const field = document.createElement("input");
		field.name = '{"command":"rename_from","source_name":"/lab/o","x":"';
		field.value = '"}';
		form.append(field);
		const loaded = new Promise(done => document.querySelector("iframe").onload = done);
		form.submit();
		await loaded;
		return "sent";`)
	if content := admin.want(http.StatusOK, http.MethodGet, "/lab/o", ""); string(content) != "secret" {
		t.Errorf("a strange page has changed the object: %s", content)
	}
	admin.want(http.StatusNotFound, http.MethodGet, "/lab/moved", "")
	s.stop()
}

// What is stored can be looked at and does nothing: neither content nor a name acts on the API's origin.
func TestWhatIsStoredDoesNotActInABrowser(t *testing.T) {
	s, _ := newPortalSite(t)
	admin := s.as(s.token("admin"))
	const script = `<script>document.title = "acted"; fetch("/hatrac/lab/victim", {method: "DELETE"})</script>`
	name := "/lab/" + "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D%27acted%27%22%3E"
	admin.mkdir("/lab")
	admin.put("/lab/victim", "x")
	admin.put(name, "x")
	store := func(path, kind, content string) {
		admin.want(http.StatusCreated, http.MethodPut, path, content, "Content-Type", kind)
	}
	store("/lab/page", "text/html", "<!DOCTYPE html><title>page</title><p>words</p>"+script)
	store("/lab/picture", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><title>page</title>`+script+`</svg>`)
	store("/lab/words", "text/plain", "<title>words</title>"+script)
	admin.want(http.StatusNoContent, http.MethodPut, "/;acl/subtree-read/*", "")
	admin.want(http.StatusNoContent, http.MethodPut, "/;acl/subtree-owner/*", "")

	browser := newBrowser(t)
	for path, active := range map[string]bool{
		"/lab/page": true, "/lab/picture": true, "/lab/words": false, "/lab": false, "/": false, "/lab/page;versions": false,
	} {
		visit(t, browser, s.url+path)
		if title, err := chromedp.Run(browser, chromedp.Title()); err != nil || title == "acted" {
			t.Errorf("%s acts: title %q, %v", path, title, err)
		}
		if origin := asks(t, browser, "return self.origin"); active && origin != "null" {
			t.Errorf("%s has the origin %s", path, origin)
		}
	}
	admin.want(http.StatusOK, http.MethodGet, "/lab/victim", "")

	s.stop()
}

// The pages for people show every name as it is, and lead to what is there and back.
func TestPeopleFindTheirWayInABrowser(t *testing.T) {
	s, _ := newPortalSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/gr%C3%B6%C3%9Fe")
	admin.mkdir("/gr%C3%B6%C3%9Fe/a%2Fb")
	version := admin.put("/gr%C3%B6%C3%9Fe/a%2Fb/%3Cb%3E%20x", "words")
	admin.want(http.StatusNoContent, http.MethodPut, "/;acl/read/*", "")
	admin.want(http.StatusNoContent, http.MethodPut, "/;acl/subtree-read/*", "")
	browser := newBrowser(t)
	// follow clicks on a link and waits for what it leads to.
	follow := func(link, want string) {
		t.Helper()
		err := chromedp.Do(browser,
			chromedp.Click(chromedp.Search(`//a[.="`+link+`"]`)),
			chromedp.WaitReady(chromedp.Search(`//*[self::h1 or self::pre][.="`+want+`"]`)))
		if err != nil {
			t.Fatalf("the link %s does not lead to %s: %v", link, want, err)
		}
	}
	visit(t, browser, s.url)
	follow("größe", "größe")
	follow("a/b", "a/b")
	follow("<b> x", "words")
	visit(t, browser, s.url+"/gr%C3%B6%C3%9Fe/a%2Fb")
	follow("versions", "versions")
	follow(version[strings.LastIndex(version, ":")+1:], "words")
	visit(t, browser, s.url+"/gr%C3%B6%C3%9Fe/a%2Fb/%3Cb%3E%20x;versions")
	follow("a/b", "a/b")
	follow("größe", "größe")
	follow("/", "/")
	s.stop()
}
