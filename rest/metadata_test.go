package rest

import (
	"strings"
	"testing"
)

func TestMetadata(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	md5Sum, sha256Sum := sums("hello")
	otherMD5, _ := sums("other")
	url, _ := s.object("/ns/o", "hello", "Content-Type: text/plain")
	version := strings.TrimPrefix(url, "/hatrac")
	const asText = "Content-Type: Text/Plain; charset=utf-8"
	set := func(field, value string, status int, headers ...string) step {
		return step{as: admin, method: "PUT", target: "/ns/o;metadata/" + field, body: value, headers: append(headers, asText), status: status}
	}
	tag := s.do(admin, "GET", "/hatrac/ns/o;metadata/content-type", "").Header.Get("Etag")
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns/o;metadata", status: 200, answer: `{"content-type":"text/plain"}` + "\n", has: map[string]string{"Content-Type": "application/json"}},
		{as: admin, method: "GET", target: version + ";metadata/", status: 200, answer: `{"content-type":"text/plain"}` + "\n"},
		{as: admin, method: "HEAD", target: "/ns/o;metadata", status: 200},
		{as: admin, method: "GET", target: "/ns/o;metadata/Content-Type", status: 200, answer: "text/plain\n", has: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{as: admin, method: "GET", target: "/ns/o;metadata/content-md5", status: 404},
		{as: admin, method: "GET", target: "/ns/o;metadata/content-sha256", status: 404},
		{as: admin, method: "GET", target: "/ns/o;metadata/color", status: 400},
		{as: nobody, method: "PUT", target: "/ns/o;metadata/color", body: "x", headers: []string{asText}, status: 400},
		{as: admin, method: "GET", target: "/ns;metadata", status: 404},
		{as: admin, method: "GET", target: "/ns;metadata/content-type", status: 404},
		{as: admin, method: "GET", target: "/none;metadata", status: 404},
		{as: admin, method: "GET", target: "/ns/o:none;metadata", status: 404},
		{as: bob, method: "GET", target: "/ns/o;metadata", status: 403},
		{as: nobody, method: "GET", target: "/ns/o;metadata/content-type", status: 401},

		set("content-type", " text/csv; charset=utf-8 \n", 204, "If-Match: "+tag),
		set("content-type", "a/b", 412, "If-Match: "+tag),
		set("content-type", "nonsense", 400),
		{as: admin, method: "PUT", target: "/ns/o;metadata/content-type", body: "a/b", headers: []string{"Content-Type: application/json"}, status: 400},
		{as: admin, method: "PUT", target: "/ns/o;metadata/content-type", body: "a/b", status: 400},
		{as: bob, method: "PUT", target: "/ns/o;metadata/content-type", body: "a/b", status: 403},
		{as: admin, method: "HEAD", target: "/ns/o", status: 200, has: map[string]string{"Content-Type": "text/csv; charset=utf-8"}},
		set("Content-Disposition", "filename*=UTF-8''a%2Fb", 400),
		set("Content-Disposition", "filename*=UTF-8''b.csv", 204),
		set("content-md5", otherMD5, 409),
		set("content-md5", "nonsense", 400),
		set("content-md5", md5Sum, 204),
		set("content-md5", md5Sum, 204),
		set("content-md5", otherMD5, 409),
		set("content-sha256", sha256Sum, 204),
		{as: admin, method: "GET", target: "/ns/o", status: 200, has: map[string]string{
			"Content-Md5": md5Sum, "Content-Sha256": sha256Sum, "Content-Disposition": "filename*=UTF-8''b.csv",
		}},
		{as: admin, method: "DELETE", target: "/ns/o;metadata/content-md5", status: 204},
		{as: admin, method: "DELETE", target: "/ns/o;metadata/content-md5", status: 204},
		{as: admin, method: "DELETE", target: "/ns/o;metadata/color", status: 400},
		{as: bob, method: "DELETE", target: "/ns/o;metadata/content-type", status: 403},
		{as: admin, method: "GET", target: "/ns/o;metadata/content-md5", status: 404},
		set("content-md5", otherMD5, 409),
		set("content-md5", md5Sum, 204),
		set("content-type", strings.Repeat("x", maxValue+1), 413),
	})
}

// Each version has its own metadata, and a bare name means those of the current one.
func TestMetadataAreThoseOfOneVersion(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	one, _ := s.object("/o", "hello", "Content-Type: a/one")
	two, _ := s.object("/o", "hello", "Content-Type: a/two")
	first, current := strings.TrimPrefix(one, "/hatrac"), strings.TrimPrefix(two, "/hatrac")
	asText := []string{"Content-Type: text/plain"}
	get := func(target string, status int, answer string) step {
		return step{as: admin, method: "GET", target: target, status: status, answer: answer}
	}
	set := func(target, value string, status int) step {
		return step{as: admin, method: "PUT", target: target, body: value, headers: asText, status: status}
	}
	unset := func(target string, status int) step {
		return step{as: admin, method: "DELETE", target: target, status: status}
	}
	const field = ";metadata/content-type"
	s.play(t, []step{
		get(first+field, 200, "a/one\n"), get(current+field, 200, "a/two\n"), get("/o"+field, 200, "a/two\n"),
		get("/o"+field+"/", 200, "a/two\n"),
		{as: admin, method: "HEAD", target: "/o" + field, status: 200, has: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "6"}},
		set(first+field, "a/ONE", 204), get(first+field, 200, "a/ONE\n"), get("/o"+field, 200, "a/two\n"),
		set("/o"+field, "a/TWO", 204), get(current+field, 200, "a/TWO\n"), get(first+field, 200, "a/ONE\n"),
		unset("/o"+field, 204), get(current+field, 404, ""), get(first+field, 200, "a/ONE\n"),
		unset(first+";metadata/CONTENT-TYPE", 204), get(first+";metadata", 200, "{}\n"),
		// A namespace has none.
		get("/ns;metadata", 404, ""), get("/ns"+field, 404, ""), set("/ns"+field, "a/b", 404), unset("/ns"+field, 404),
		unset(first, 204), unset(current, 204),
		// Nor has an object without versions.
		get("/o;metadata", 409, ""), get("/o"+field, 409, ""), set("/o"+field, "a/b", 409), unset("/o"+field, 409),
		get(first+";metadata", 404, ""), set(first+field, "a/b", 404), unset(first+field, 404),
	})
}

// What is set later is looked at as closely as what a PUT brings, and digests even more so.
func TestMetadataAreSetLaterAsByAPut(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "hello")
	md5Sum, sha256Sum := sums("hello")
	otherMD5, otherSHA256 := sums("other")
	asText := []string{"Content-Type: text/plain"}
	set := func(field, value string, status int) step {
		return step{as: admin, method: "PUT", target: "/o;metadata/" + field, body: value, headers: asText, status: status}
	}
	unset := func(field string) step {
		return step{as: admin, method: "DELETE", target: "/o;metadata/" + field, status: 204}
	}
	s.play(t, []step{
		set("content-type", "", 400),
		set("content-disposition", "attachment", 400),
		set("content-disposition", "\t filename*=UTF-8''x \r\n", 204),
		set("content-sha256", md5Sum, 400),
		set("content-sha256", otherSHA256, 409),
		set("content-sha256", sha256Sum, 204),
		set("content-sha256", sha256Sum, 204),
		set("content-sha256", otherSHA256, 409),
		set("content-md5", otherMD5, 409),
		set("content-md5", md5Sum, 204),
		{
			as: admin, method: "GET", target: "/o;metadata", status: 200,
			answer: `{"content-disposition":"filename*=UTF-8''x","content-md5":"` + md5Sum + `","content-sha256":"` + sha256Sum + `"}` + "\n",
		},
		unset("content-sha256"), unset("content-sha256"),
		{as: admin, method: "GET", target: "/o;metadata/content-sha256", status: 404},
		{as: admin, method: "GET", target: "/o", status: 200, has: map[string]string{"Content-SHA256": "", "Content-MD5": md5Sum}},
		set("content-sha256", otherSHA256, 409),
		set("content-sha256", sha256Sum, 204),
		unset("content-type"), unset("content-disposition"), unset("content-md5"), unset("content-sha256"),
		{as: admin, method: "GET", target: "/o;metadata/", status: 200, answer: "{}\n"},
	})
}
