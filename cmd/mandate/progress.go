package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	patience    = 2 * time.Second        // what is done sooner needs no progress
	sayEvery    = 5 * time.Second        // a line, where there is no terminal
	redrawEvery = 200 * time.Millisecond // the bar, where there is one
)

// progress shows how far a command came that takes longer than patience: as a bar on a
// terminal, as a line now and then elsewhere. It shows by itself, also while nothing moves.
type progress struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	what  string // what is being done, as "Importing"
	unit  string // of what is counted; "": nothing is
	note  string
	total int64 // 0: not known
	done  int64
	from  int64 // of done, what an earlier run did
	began time.Time
	bar   *progressbar.ProgressBar

	stop chan struct{} // nil: nothing is being done
	over sync.WaitGroup
}

func newProgress(out *os.File) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

// begin says what is being done from now on, and of how many of what; 0 is not known.
func (p *progress) begin(what string, total int64, unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.bar = nil
	p.what, p.total, p.unit, p.note, p.done, p.from, p.began = what, total, unit, "", 0, 0, time.Now()
	if p.stop != nil {
		return
	}
	p.stop = make(chan struct{})
	p.over.Go(func() { p.run(p.stop) })
}

// at says how many are done, and what else is worth saying.
func (p *progress) at(done int64, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.note = done, note
}

// resume says how many an earlier run did.
func (p *progress) resume(from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = from
}

// say prints a line, above the bar if there is one.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	_, _ = fmt.Fprintln(p.out, text)
}

// end shows nothing more.
func (p *progress) end() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.over.Wait()
	p.clear()
	p.stop, p.bar = nil, nil
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // what cannot be drawn is not worth an error
	}
}

func (p *progress) run(stop chan struct{}) {
	again := sayEvery
	if p.terminal {
		again = redrawEvery
	}
	for pause := patience; ; pause = again {
		select {
		case <-stop:
			return
		case <-time.After(pause):
			p.show()
		}
	}
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		_, _ = fmt.Fprintln(p.out, p.line())
		return
	}
	if p.bar == nil {
		total := p.total
		if total == 0 {
			total = -1 // a spinner
		}
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(p.unit),
			progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(30), progressbar.OptionSetElapsedTime(true),
			progressbar.OptionSetSpinnerChangeInterval(0)) // it would go on turning for ever; run redraws
	}
	_ = p.bar.Set64(p.done)
}

// line is "Importing: 5000 of 11054 lines (45%), 1000 a second, about 6s left, 2 refused".
func (p *progress) line() string {
	since := time.Since(p.began)
	if p.unit == "" {
		return fmt.Sprintf("%s: %s", p.what, since.Round(time.Second))
	}
	rate := float64(p.done-p.from) / since.Seconds()
	text := fmt.Sprintf("%s: %d", p.what, p.done)
	if p.total > 0 {
		text += fmt.Sprintf(" of %d", p.total)
	}
	text += " " + p.unit
	if p.total > 0 {
		text += fmt.Sprintf(" (%d%%)", 100*p.done/p.total)
	}
	text += fmt.Sprintf(", %.0f a second", rate)
	if p.total > 0 && rate > 0 {
		left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second))
		text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	if p.note != "" {
		text += ", " + p.note
	}
	return text
}
