package sessionproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// reply is what the host answered.
type reply struct {
	status int
	body   []byte
}

// ask sends the credentials to the host, several times if it fails to answer. Unavailable: it
// did not, and so nobody can tell who the client is.
func (s *Sessions) ask(ctx context.Context, method string, c account.Credentials) (reply, error) {
	var failed error
	for i := range attempts {
		if i > 0 {
			select {
			case <-ctx.Done():
				return reply{}, ctx.Err()
			case <-time.After(s.cfg.Pause << (i - 1)):
			}
		}
		answer, err := s.once(ctx, method, c)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return reply{}, ctx.Err()
		}
		failed = err
	}
	return reply{}, unavailable(failed)
}

func unavailable(cause error) error {
	return &store.Error{
		Kind: store.Unavailable, Message: "The session host does not answer; please try again later.",
		Err: fmt.Errorf("ask the session host: %w", cause),
	}
}

// once is one attempt; a status of 5xx is an error.
func (s *Sessions) once(ctx context.Context, method string, c account.Credentials) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url(c.TLS), nil)
	if err != nil {
		return reply{}, err
	}
	if c.CookieHeader != "" {
		request.Header.Set("Cookie", c.CookieHeader)
	}
	if c.Authorization != "" {
		request.Header.Set("Authorization", c.Authorization)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "hatrac")
	response, err := s.client.Do(request)
	if err != nil {
		return reply{}, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return reply{}, fmt.Errorf("it answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return reply{}, withoutURL(err)
	}
	if len(body) > maxAnswer {
		return reply{}, errors.New("its answer is too long")
	}
	return reply{response.StatusCode, body}, nil
}

// withoutURL returns what a failed request failed with.
func withoutURL(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// sessionDocument is a session as the host tells it (rest-api §13).
type sessionDocument struct {
	Client     json.RawMessage   `json:"client"`
	Attributes []json.RawMessage `json:"attributes"`
	Since      string            `json:"since"`
	Expires    string            `json:"expires"`
	Remaining  *float64          `json:"seconds_remaining"`
}

// session reads the session in an answer; nil if it is one without a client.
func (r reply) session() (*account.Session, error) {
	var doc sessionDocument
	if err := json.Unmarshal(r.body, &doc); err != nil {
		return nil, unavailable(errors.New("its answer is no session"))
	}
	session, err := account.ParseSession(doc.Client, doc.Attributes)
	if err != nil {
		return nil, unavailable(err)
	}
	if session == nil {
		return nil, nil
	}
	now := time.Now()
	session.Since, session.Expires = moment(doc.Since), moment(doc.Expires)
	if session.Since.IsZero() {
		session.Since = now
	}
	if doc.Remaining != nil { // which does not depend on the clocks
		session.Expires = now.Add(time.Duration(min(max(*doc.Remaining, 0), maxRemaining)) * time.Second)
	}
	return session, nil
}

// maxRemaining is the most seconds that a session counts to last: ten years.
const maxRemaining = 10 * 366 * 24 * 60 * 60

// moment reads a time as sister services write it; zero if it is not understood.
func moment(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.999999Z07:00", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
