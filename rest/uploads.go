package rest

import (
	"net/http"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// jobURL is the URL of an upload.
func (x *exchange) jobURL(id string) string {
	return x.server.scheme.format(address{path: x.address.path, sub: subUpload, args: []string{id}})
}

// startJob begins an upload in chunks (rest-api §10).
func startJob(x *exchange) error {
	asked, wrong, unfit := x.jobRequest()
	lists, listsErr := initialLists(x.c.Request.Header)
	given := guard(x.c.Request.Header, wrong, listsErr)
	given.Content = unfit
	started, err := x.server.service.StartJob(x.ctx(), x.client, service.StartJob{
		Path:       x.address.path,
		Parents:    x.flag("parents"),
		Size:       asked.size,
		ChunkSize:  asked.chunk,
		Metadata:   asked.metadata,
		ACLs:       lists,
		Conditions: given,
	})
	if err != nil {
		return err
	}
	x.created(x.jobURL(started.Job.Job))
	return nil
}

// getJobs lists the open uploads of an object, oldest first.
func getJobs(x *exchange) error {
	listed, err := x.server.service.Jobs(x.ctx(), x.client, x.address.path, 0, 0)
	if err != nil {
		return err
	}
	l := listing{path: x.address.path, sub: subUpload, rows: x.jobRows(listed.Jobs)}
	if listed.More {
		l.next = x.jobPages(listed)
	}
	return x.sendListing(l)
}

// jobPages returns what fetches the pages behind a first one.
func (x *exchange) jobPages(listed *service.JobListing) func() ([]row, bool, error) {
	return func() ([]row, bool, error) {
		after := listed.Jobs[len(listed.Jobs)-1].ID
		page, err := x.server.service.Jobs(x.ctx(), x.client, x.address.path, after, 0)
		if err != nil {
			return nil, false, err
		}
		listed = page
		return x.jobRows(page.Jobs), page.More && len(page.Jobs) > 0, nil
	}
}

func (x *exchange) jobRows(jobs []store.Job) []row {
	rows := make([]row, len(jobs))
	for i := range jobs {
		job := &jobs[i]
		created := job.Created.UTC()
		rows[i] = row{
			URL:      x.jobURL(job.Job),
			Name:     job.Job,
			Type:     acl.Job.String(),
			Size:     &job.Size,
			Kind:     job.Metadata.ContentType,
			Modified: &created,
			Owner:    job.ACLs[acl.Owner],
		}
	}
	return rows
}

// jobDocument is an upload as its owner sees it.
type jobDocument struct {
	URL         string     `json:"url"`
	Target      string     `json:"target"`
	Owner       []string   `json:"owner"`
	Chunk       int64      `json:"chunk-length"`
	Size        int64      `json:"content-length"`
	Type        string     `json:"content-type,omitempty"`
	Disposition string     `json:"content-disposition,omitempty"`
	MD5         string     `json:"content-md5,omitempty"`
	SHA256      string     `json:"content-sha256,omitempty"`
	Received    [][2]int64 `json:"chunks-received"`
	Created     time.Time  `json:"created"`
	Expires     time.Time  `json:"expires"`
}

// getJob answers with all that a client needs to go on with an upload.
func getJob(x *exchange) error {
	found, err := x.server.service.Job(x.ctx(), x.client, x.address.path, x.address.arg(0))
	if err != nil {
		return err
	}
	job, fields := &found.Job, service.Fields(found.Job.Metadata)
	document := jobDocument{
		URL:         x.jobURL(job.Job),
		Target:      x.server.scheme.ref(store.Ref{Path: x.address.path}),
		Owner:       append([]string{}, job.ACLs[acl.Owner]...),
		Chunk:       job.ChunkSize,
		Size:        job.Size,
		Type:        fields[service.FieldContentType],
		Disposition: fields[service.FieldContentDisposition],
		MD5:         fields[service.FieldContentMD5],
		SHA256:      fields[service.FieldContentSHA256],
		Received:    [][2]int64{},
		Created:     job.Created.UTC(),
		Expires:     found.Expires.UTC(),
	}
	for _, part := range found.Received {
		document.Received = append(document.Received, [2]int64{part.First, part.Last})
	}
	return x.sendUntagged(func() error { return x.sendJSON(http.StatusOK, document) })
}

// putChunk takes one chunk of an upload.
func putChunk(x *exchange) error {
	number, ok := parsePosition(x.address.arg(1))
	if !ok {
		return malformed("The number of a chunk is written in digits.")
	}
	r, limit := x.c.Request, x.server.cfg.MaxRequestPayload
	sums, wrong := digestsOf(r.Header)
	length, unfit := r.ContentLength, checkLength(r, limit)
	if unfit != nil {
		length = -1 // which is answered before its length is compared
	}
	err := x.server.service.PutChunk(x.ctx(), x.client, service.PutChunk{
		Path:    x.address.path,
		Job:     x.address.arg(0),
		Number:  number,
		Content: recordOf(x.ctx()).transfer.body.limited(limit),
		Length:  length,
		MD5:     sums.MD5,
		SHA256:  sums.SHA256,
		Check:   first(unfit, wrong),
	})
	if err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}

// digestsOf reads the digests that come with a chunk. Other fields describe nothing there.
func digestsOf(h http.Header) (store.Metadata, error) {
	only := http.Header{}
	for _, name := range []string{"Content-Md5", "Content-Sha256"} {
		only[name] = h[name]
	}
	return describedContent(only)
}

// finishJob makes a version of an upload.
func finishJob(x *exchange) error {
	made, err := x.server.service.FinishJob(x.ctx(), x.client, service.FinishJob{
		Path:       x.address.path,
		Job:        x.address.arg(0),
		Conditions: guard(x.c.Request.Header),
	})
	if err != nil {
		return err
	}
	x.created(x.server.scheme.ref(store.Ref{Path: x.address.path, Version: made.Version.Version}))
	return nil
}

// cancelJob ends an upload without a version.
func cancelJob(x *exchange) error {
	if err := x.server.service.CancelJob(x.ctx(), x.client, x.address.path, x.address.arg(0)); err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}
