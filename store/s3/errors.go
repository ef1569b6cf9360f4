package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hatrac/hatrac/store"
)

// errStalled is why a request was given up that stood still.
var errStalled = errors.New("the S3 service did not go on with a request in time")

// fail turns what the service said into an error of the kind that fits; nil stays nil. ctx is
// the context of the request, whose own end counts as it is.
func fail(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errStalled) {
			return store.Wrap(store.Unavailable, doing, cause)
		}
		return store.Wrap(store.KindOf(cause), doing, cause)
	}
	return store.Wrap(kindOf(err), doing, err)
}

// missing reports whether the service said that what was asked for is not there.
func missing(err error) bool { return err != nil && kindOf(err) == store.NotFound }

func kindOf(err error) store.ErrorKind {
	var said smithy.APIError
	if errors.As(err, &said) {
		switch said.ErrorCode() {
		case "InvalidArgument": // also what is said of a version id that is not known
			if strings.Contains(strings.ToLower(said.ErrorMessage()), "version id") {
				return store.NotFound
			}
			return store.Internal
		case "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NotFound":
			return store.NotFound
		case "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "NotEnoughSpace":
			return store.NoSpace
		case "AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch",
			"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge":
			return store.Internal
		}
	}
	var known *store.Error
	if errors.As(err, &known) {
		return known.Kind
	}
	switch code := status(err); {
	case code == http.StatusNotFound:
		return store.NotFound
	case code == http.StatusInsufficientStorage:
		return store.NoSpace
	case code == 0, code >= http.StatusInternalServerError,
		code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return store.Unavailable
	}
	return store.Internal
}

// status returns the status of the answer that an error tells of, 0 if there was none.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return 0
	}
	return answer.HTTPStatusCode()
}

func isCode(err error, code string) bool {
	var said smithy.APIError
	return errors.As(err, &said) && said.ErrorCode() == code
}
