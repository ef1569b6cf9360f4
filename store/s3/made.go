package s3

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// maxCandidates is how many versions of an object are looked at for one that an upload made.
const maxCandidates = 100

// made returns the address of what the upload has become, which is asked of S3, so that it is
// found also by one who did not see the end of the upload.
func (u *upload) made(ctx context.Context, to store.Placement) (store.Address, error) {
	versions, err := u.versions(ctx)
	if err != nil {
		return "", err
	}
	for _, version := range versions {
		said, err := object{place: u.place, key: u.key, version: version}.head(ctx)
		if missing(err) {
			continue
		} else if err != nil {
			return "", err
		}
		mark := said.Metadata[metaUpload]
		if mark != to.Version && (mark != "" || u.Method == ByName && len(said.Metadata) > 0) {
			continue
		}
		if to.Size >= 0 && said.ContentLength != nil && *said.ContentLength != to.Size {
			return "", store.Wrap(store.Internal, "complete upload", errors.New("the object has another size than the content"))
		}
		name, own := u.reference(said.Metadata, to)
		return object{u.place, u.key, version}.bound(name, own)
	}
	return "", store.NewError(store.NotFound, "", "The upload does not exist any more.")
}

// reference returns the name and the version id that the upload was begun for: those which the
// object tells, or else its key.
func (u *upload) reference(marks map[string]string, to store.Placement) (name, version string) {
	if name = marks[metaName]; name != "" {
		return name, store.DecodeSegment(marks[metaVersion])
	}
	if u.UnquoteKeys {
		return string(to.Path), to.Version
	}
	return u.reversed(u.key)
}

// finished reports whether an upload to the key was completed.
func (u *upload) finished(ctx context.Context) bool {
	said, err := object{place: u.place, key: u.key}.head(ctx)
	return err == nil && (u.Method == ByNameAndVersion || said.Metadata[metaUpload] != "")
}

func (o object) head(ctx context.Context) (*s3.HeadObjectOutput, error) {
	ctx, w := watched(ctx, o.Client.ReadTimeout)
	defer w.end()
	said, err := o.service.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &o.Name, Key: &o.key, VersionId: optional(o.version),
	})
	if o.version != "" && status(err) == http.StatusBadRequest {
		// What is wrong, a version id that is not one of S3's mostly, no answer to HEAD tells.
		if told := o.probe(ctx); told != nil {
			err = told
		}
	}
	return said, fail(ctx, "look at object", err)
}

// probe reads a byte of the object, and returns the error.
func (o object) probe(ctx context.Context) error {
	said, err := o.service.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &o.Name, Key: &o.key, VersionId: optional(o.version), Range: aws.String("bytes=0-0"),
	})
	if err == nil {
		_ = said.Body.Close()
	}
	return err
}

// versions returns the version ids of the objects under the key, the newest first; "" stands for
// the one object of a bucket that keeps no versions.
func (u *upload) versions(ctx context.Context) ([]string, error) {
	if !u.versioned {
		return []string{""}, nil
	}
	said, err := u.listVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &u.Name, Prefix: &u.key})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, v := range said.Versions {
		if value(v.Key) == u.key && len(found) < maxCandidates {
			found = append(found, value(v.VersionId))
		}
	}
	return found, nil
}
