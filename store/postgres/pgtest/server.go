// Package pgtest starts a PostgreSQL of the tests' own, from the programs that are installed.
package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Server is a PostgreSQL of the tests' own, which nobody else sees.
type Server struct {
	folder, programs string
	settings         []string
	user             syscall.SysProcAttr // it refuses to run as root
	cmd              *exec.Cmd
	ended            chan error
}

// New makes an empty database cluster, which sorts text by the rules of a language. Each
// setting is like "fsync=off".
func New(settings ...string) (*Server, error) { return NewIn("", settings...) }

// NewIn is New in a folder; "" is that for temporary files.
func NewIn(folder string, settings ...string) (*Server, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(errors.New("PostgreSQL is missing: run make deps"), err)
	}
	s := &Server{programs: filepath.Dir(slices.Max(found)), settings: settings}
	if s.folder, err = os.MkdirTemp(folder, "pg"); err != nil {
		return nil, err
	}
	if err := s.becomeUser(); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	cmd := s.command("initdb", "--no-sync", "-A", "trust", "-U", "hatrac", "-E", "UTF8", "--locale=C.UTF-8",
		"--locale-provider=icu", "--icu-locale=en", "-D", s.data())
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), s.Remove())
	}
	return s, nil
}

func (s *Server) becomeUser() error {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return err
	}
	s.user.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	err = os.Chown(s.folder, uid, gid)
	if errors.Is(err, syscall.EINVAL) { // root of a namespace that has nobody else
		s.user = syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, Size: 1}},
		}
		return nil
	}
	return err
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Remove removes what the server kept; it must not run.
func (s *Server) Remove() error { return os.RemoveAll(s.folder) }

// DSN returns the connection string of a database; "postgres" is there from the beginning.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s user=hatrac dbname=%s", s.folder, database)
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Dir = s.folder
	attr := s.user
	attr.Pdeathsig = syscall.SIGQUIT
	cmd.SysProcAttr = &attr
	return cmd
}

// Start starts the server and returns when it takes connections.
func (s *Server) Start() error {
	args := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses="}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	cmd := s.command("postgres", args...)
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
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
	ready := make(chan bool, 1)
	var said []string
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), "ready to accept connections") {
				ready <- true
				said = nil
			}
			said = append(said, lines.Text())
		}
		close(ready)
	}()
	if !<-ready {
		return fmt.Errorf("PostgreSQL does not start: %w: %s", <-ended, strings.Join(said, "\n"))
	}
	return nil
}

// Ended reports whether the server has given up by itself.
func (s *Server) Ended() bool {
	select {
	case err := <-s.ended:
		s.ended <- err
		return true
	default:
		return false
	}
}

// Stop ends the server in good order.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return <-s.ended
}

// Kill ends the server and all its processes at once.
func (s *Server) Kill() error {
	pid := s.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	for _, child := range strings.Fields(string(children)) {
		number, err := strconv.Atoi(child)
		if err != nil {
			return err
		}
		if err := syscall.Kill(number, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	<-s.ended
	return nil
}
