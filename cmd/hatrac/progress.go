package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progressInterval is how often a line tells of work that goes on.
const progressInterval = 10 * time.Second

// progress tells how far long work has come: by a bar at a terminal, else by a line now and then.
// It is used by one goroutine at a time.
type progress struct {
	out   io.Writer
	bars  *mpb.Progress // nil without a terminal
	bar   *mpb.Bar
	doing string
	told  time.Time
}

// newProgress tells out.
func newProgress(out io.Writer) *progress {
	p := &progress{out: out}
	if isTerminal(out) {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(64))
	}
	return p
}

// isTerminal reports whether out is a terminal on which something can be drawn.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}

// at tells that so many of total rows are done; a total of 0 means that it is not known.
func (p *progress) at(doing string, done, total int64) {
	if p.bars == nil {
		p.line(doing, done, total)
		return
	}
	if p.bar == nil || p.doing != doing {
		p.finish()
		p.doing = doing
		p.bar = p.draw(total)
	}
	p.bar.SetCurrent(done)
}

// draw begins a bar, or a spinner if the total is not known.
func (p *progress) draw(total int64) *mpb.Bar {
	before := mpb.PrependDecorators(decor.Name(p.doing, decor.WCSyncSpaceR), decor.CurrentNoUnit("%d", decor.WCSyncSpace))
	if total == 0 {
		return p.bars.AddSpinner(0, before)
	}
	return p.bars.AddBar(total, before, mpb.AppendDecorators(decor.Percentage()))
}

func (p *progress) line(doing string, done, total int64) {
	if doing == p.doing && (total == 0 || done != total) && time.Since(p.told) < progressInterval {
		return
	}
	p.doing, p.told = doing, time.Now()
	if total > 0 {
		fmt.Fprintf(p.out, "%s: %d of %d\n", doing, done, total)
		return
	}
	fmt.Fprintf(p.out, "%s: %d\n", doing, done)
}

// finish completes the bar of what was done last.
func (p *progress) finish() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
		p.bar = nil
	}
}

// end ends all bars.
func (p *progress) end() {
	p.finish()
	if p.bars != nil {
		p.bars.Wait()
	}
}

// beside returns a writer of lines to out that leaves the bars whole.
func (p *progress) beside(out io.Writer) io.Writer {
	if p.bars != nil && isTerminal(out) {
		return p.bars
	}
	return out
}
