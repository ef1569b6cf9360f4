// Package s3test starts an S3 server of the tests' own, which is built when it is needed first.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The credentials of every server, and its region.
const (
	AccessKey = "hatrac-test-key"
	SecretKey = "hatrac-test-secret" // #nosec: of a server of the tests
	Region    = "us-east-1"
)

// patience bounds how long the server may take to start.
const patience = 60 * time.Second

// Server is an S3 server of the tests' own.
type Server struct {
	folder, program, address string
	cmd                      *exec.Cmd
	ended                    chan error
}

// New makes a server without buckets, which has to be started. Its folder goes with Remove.
func New() (*Server, error) {
	program, err := build()
	if err != nil {
		return nil, err
	}
	// The server keeps what it knows of objects in extended attributes, which temporary folders
	// may lack.
	folder, err := os.MkdirTemp("", "s3")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, program: program}
	for _, part := range []string{s.data(), s.versions()} {
		if err := os.Mkdir(part, 0o700); err != nil {
			return nil, errors.Join(err, s.Remove())
		}
	}
	if s.address, err = freeAddress(); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

// Serve runs the tests of a package, and returns their exit code. A server is started and handed
// to use before, and goes after them.
func Serve(use func(*Server), tests func() int) (code int) {
	s, err := New()
	if err == nil {
		defer func() { _ = s.Remove() }()
		err = s.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = s.Stop() }()
	use(s)
	return tests()
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (s *Server) data() string     { return filepath.Join(s.folder, "data") }
func (s *Server) versions() string { return filepath.Join(s.folder, "versions") }

// Remove removes what the server kept; it must not run.
func (s *Server) Remove() error { return os.RemoveAll(s.folder) }

// URL returns where the server is, also after it was started again.
func (s *Server) URL() string { return "http://" + s.address }

// Address returns host and port of the server.
func (s *Server) Address() string { return s.address }

// Start starts the server and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	cmd := exec.Command(s.program, "--port", s.address, "--quiet", "posix", "--versioning-dir", s.versions(), s.data())
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan error, 1)
	go func() { // on the thread whose end would end the server
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.ended = cmd, ended
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if s.answers(ctx) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the S3 server does not start: %w", err)
		case <-ctx.Done():
			return errors.Join(errors.New("the S3 server does not answer"), s.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(), nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return true
}

// Stop ends the server in good order.
func (s *Server) Stop() error { return s.finish(syscall.SIGTERM) }

// Kill ends the server at once.
func (s *Server) Kill() error { return s.finish(syscall.SIGKILL) }

func (s *Server) finish(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// Freeze stops the server in its tracks until Thaw is called.
func (s *Server) Freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// Client returns a client of the server for the tests themselves.
func (s *Server) Client() *s3.Client {
	return s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(s.URL()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	})
}

// MakeBucket makes a bucket.
func (s *Server) MakeBucket(ctx context.Context, name string, versioned bool) error {
	client := s.Client()
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil || !versioned {
		return err
	}
	_, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  &name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	return err
}
