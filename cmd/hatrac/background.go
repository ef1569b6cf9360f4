package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"os"
	"os/exec"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// backgroundFlags say whether a command goes on in the background once it has begun, and where it
// logs then.
type backgroundFlags struct {
	wanted  bool
	logFile string
	child   bool // this is the process in the background
}

// readyFile is the descriptor on which a process in the background says that it has begun.
const readyFile = 3

// childFlag tells a process that it is the one in the background.
const childFlag = "background-child"

func (f *backgroundFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.wanted, "background", false, "return when the mount is there, and go on in the background")
	cmd.Flags().StringVar(&f.logFile, "log-file", "", "append the log to a `file`; in the background it goes to the system's log otherwise")
	cmd.Flags().BoolVar(&f.child, childFlag, false, "")
	_ = cmd.Flags().MarkHidden(childFlag)
}

// exited is the exit code of a process that did the work and has told what went wrong.
type exited int

// Error implements error.
func (e exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// launch runs the same command line in a new session, and returns when that process is ready. It
// ends the process if ctx ends before.
func launch(ctx context.Context, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ready, itsEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command(self, append([]string{"--" + childFlag + "=true"}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{itsEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = itsEnd.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	if _, err := ready.Read(make([]byte, 1)); err == nil {
		return nil
	}
	err = cmd.Wait()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.Exited() {
		return exited(failed.ExitCode())
	}
	return errors.Join(errors.New("the process in the background ended before the mount was there"), err)
}

// ready lets go of the terminal, or whatever else the standard streams are, and tells the process
// that waits.
func (f backgroundFlags) ready() error {
	if !f.child {
		return nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for stream := range 3 {
		if err := unix.Dup2(int(null.Fd()), stream); err != nil {
			return err
		}
	}
	waiting := os.NewFile(readyFile, "ready")
	_, err = waiting.Write([]byte{1})
	return errors.Join(err, waiting.Close())
}

// logTo returns where the log goes: to the file, to the system's log if this is the process in
// the background, or to errs. A system without a log gets none.
func (f backgroundFlags) logTo(errs io.Writer) (io.Writer, error) {
	if f.logFile != "" {
		file, err := os.OpenFile(f.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("the log cannot be written: %w", err)
		}
		return file, nil
	}
	if !f.child {
		return errs, nil
	}
	system, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "hatrac")
	if err != nil {
		return io.Discard, nil
	}
	return zerolog.SyslogLevelWriter(system), nil
}
