package rest

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Rows that were taken over from elsewhere need not know the time and the digest of content.
func TestWhatNobodyKnowsIsNotTold(t *testing.T) {
	s := newSite(t, options{})
	s.upload("/o", emptyUpload)
	must(t, s.directory.Update(t.Context(), func(tx store.Tx) error {
		r, err := tx.Resolve(t.Context(), "/o", "")
		if err != nil {
			return err
		}
		return tx.BindVersion(t.Context(), &store.Version{
			NameID: r.Name.ID, Version: "old", Size: 5, Inline: []byte("hello"), HasInline: true, ACLs: acl.Lists{acl.Owner: {admin}},
		})
	}))
	unknown := map[string]string{"Last-Modified": "", "Repr-Digest": "", "Content-Md5": "", "Content-Sha256": ""}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/o", status: 200, answer: "hello", has: unknown},
		{as: admin, method: "GET", target: "/o", headers: []string{"Range: bytes=0-1", "If-Range: " + farAway}, status: 200, answer: "hello"},
		{
			as: admin, method: "GET", target: "/o;versions", headers: []string{"Accept: " + typeListing}, status: 200,
			answer: `[{"url":"/hatrac/o:old","name":"old","type":"version","version":"old","content-length":5,` +
				`"content-type":"application/octet-stream","owner":["admin"]}]` + "\n",
		},
	})
}
