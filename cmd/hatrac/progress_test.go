package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProgressWithoutATerminalIsLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	for done := range int64(5) {
		p.at("versions", done, 4)
	}
	p.at("names", 7, 0)
	p.at("names", 8, 0)
	p.end()
	if got := out.String(); got != "versions: 0 of 4\nversions: 4 of 4\nnames: 7\n" {
		t.Errorf("it prints %q", got)
	}
	if p.beside(&out) != &out {
		t.Error("lines go elsewhere")
	}
}

// terminal returns both ends of a terminal.
func terminal(t *testing.T, rows uint16) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return screen, tty
}

func TestProgressAtATerminalIsABar(t *testing.T) {
	screen, tty := terminal(t, 24)
	p := newProgress(tty)
	p.at("versions", 1, 2)
	p.at("versions", 2, 2)
	p.at("names", 7, 0)
	fmt.Fprintln(p.beside(tty), "a line")
	p.end()
	fmt.Fprintln(tty, "the end")
	var all strings.Builder
	for lines := bufio.NewScanner(screen); lines.Scan() && !strings.HasPrefix(lines.Text(), "the end"); {
		all.WriteString(lines.Text() + "\n")
	}
	for _, words := range []string{"versions", "[====", "100 %", "names", "a line"} {
		if !strings.Contains(all.String(), words) {
			t.Errorf("there is no %q on the screen:\n%s", words, all.String())
		}
	}
}

func TestProgressNeedsATerminalOfSomeSize(t *testing.T) {
	if _, tty := terminal(t, 0); isTerminal(tty) {
		t.Error("nothing can be drawn there")
	}
}
