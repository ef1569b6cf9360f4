package rest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnswerThatAClientDoesNotReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe(t, Config{Stall: time.Minute}, func(conn net.Conn, answers *bufio.Reader) {
			_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			time.Sleep(2 * time.Minute)
			if line, err := answers.ReadString('\n'); err == nil {
				t.Errorf("after two minutes there is still %q", line)
			}
		})
	})
}

// An answer that needs no content does not wait for it longer than for anything else.
func TestARefusedClientThatIsStalledHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe(t, Config{Stall: time.Minute}, func(conn net.Conn, answers *bufio.Reader) {
			_, err := io.WriteString(conn, "POST /authn/preauth HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
			must(t, err)
			if a := readAnswer(t, answers); a.StatusCode != 405 {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			begun := time.Now()
			if _, err := answers.ReadByte(); err == nil || time.Since(begun) > 2*time.Minute {
				t.Errorf("the connection ends after %v, with %v", time.Since(begun), err)
			}
		})
	})
}

// slowWriter is a connection that takes its time for each stride, but not more than its deadline allows.
type slowWriter struct {
	*httptest.ResponseRecorder
	pause    time.Duration
	deadline time.Time
}

func (w *slowWriter) SetWriteDeadline(at time.Time) error {
	w.deadline = at
	return nil
}

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(w.pause * time.Duration((len(p)+stride-1)/stride))
	if time.Now().After(w.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	return w.ResponseRecorder.Write(p)
}

// kernelSlowWriter can take a file by itself.
type kernelSlowWriter struct{ *slowWriter }

func (w kernelSlowWriter) ReadFrom(r io.Reader) (int64, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(text)
	return int64(n), err
}

// Whoever takes the next piece in time gets all, and whoever does not gets no more.
func TestAnAnswerToASlowClientIsNotAStalledOne(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 4*stride/16)
	path := filepath.Join(t.TempDir(), "content")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	send := func(to *transfer, by string) error {
		file, err := os.Open(path)
		must(t, err)
		defer file.Close()
		switch by {
		case "writing":
			_, err := io.WriteString(to, content)
			return err
		case "copying":
			return to.copy(file, int64(len(content)))
		}
		return to.sendFile(file, int64(len(content)))
	}
	for _, by := range []string{"writing", "copying", "sendfile", "sendfile without the kernel"} {
		synctest.Test(t, func(t *testing.T) {
			for pause, want := range map[time.Duration]error{50 * time.Second: nil, 2 * time.Minute: os.ErrDeadlineExceeded} {
				slow := &slowWriter{ResponseRecorder: httptest.NewRecorder(), pause: pause}
				var w http.ResponseWriter = slow
				if by == "sendfile" {
					w = kernelSlowWriter{slow}
				}
				to := newTransfer(w, httptest.NewRequest("GET", "/", nil), time.Minute)
				if err := send(to, by); !errors.Is(err, want) {
					t.Errorf("%s, a piece in %v: %v", by, pause, err)
				}
				if want == nil && slow.Body.String() != content || want != nil && slow.Body.Len() > 0 {
					t.Errorf("%s, a piece in %v: %d bytes came", by, pause, slow.Body.Len())
				}
			}
		})
	}
}

// boundedReader tells how much was asked for at once.
type boundedReader struct {
	io.Reader
	most int
}

func (r *boundedReader) Read(p []byte) (int, error) {
	r.most = max(r.most, len(p))
	return r.Reader.Read(p)
}

func TestTheMemoryOfAnAnswerDoesNotGrowWithIt(t *testing.T) {
	const size = 8 * stride
	from := &boundedReader{Reader: strings.NewReader(strings.Repeat("x", size))}
	to := newTransfer(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), time.Minute)
	must(t, to.copy(from, size))
	if from.most > stride || to.n != size {
		t.Errorf("%d bytes were asked for at once, %d of %d came", from.most, to.n, size)
	}
}
