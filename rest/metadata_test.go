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
