package bulk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Options say where an import goes.
type Options struct {
	Directory *directory.Directory
	Table     store.Table // keeps how far the import came
	Workers   int         // chunks of lines at work at once; 0: 16

	Refuse   func(Refusal) error // called in the order of the lines, from one goroutine at a time
	Progress func(Counts)        // called often; nil for none
}

// Refusal is a line that was not taken.
type Refusal struct {
	Line int64 // from 1
	Why  error
	Text []byte // nil when it was too long
}

// Counts are what became of the lines so far, those before an interruption included.
// A line that was made just before an interruption may count as there already after it.
type Counts struct {
	Lines   int64 // done with, blank ones included
	Made    int64
	Present int64 // there already, with the same content
	Refused int64
	Resumed int64 // lines that an earlier run was done with
}

const (
	workers = 16
	// chunkLines is how many lines are read, planned and written together. A transaction
	// takes some thirty of them.
	chunkLines = 100
	// saveEvery is how much work an interruption may cost: it is done again, and changes nothing.
	saveEvery = time.Second
)

// A chunk is consecutive lines of one kind.
type chunk struct {
	kind    kind
	entries []directory.Entry
	lines   []Refusal // of entries: number and text
	bad     []Refusal // lines that say nothing that can be imported
	blank   int64
	end     position // where the next chunk begins
	size    int

	outcomes []directory.Outcome
	err      error
	done     chan struct{}
}

// A position is where an import goes on.
type position struct {
	line, offset int64
}

// Import brings a file into the table. Interrupted (its context ended, the process was
// killed, the table failed) and called again with the same content, it goes on about where
// it stopped. It reads the file in chunks, so memory does not grow with it.
func Import(ctx context.Context, f io.ReadSeeker, s Survey, o Options) (Counts, error) {
	if o.Workers == 0 {
		o.Workers = workers
	}
	at, counts, err := o.where(ctx, s)
	if err != nil {
		return Counts{}, err
	}
	if _, err := f.Seek(at.offset, io.SeekStart); err != nil {
		return counts, fmt.Errorf("go to line %d: %w", at.line+1, err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	work := make(chan *chunk)
	inOrder := make(chan *chunk, 2*o.Workers) // bounds how much is in memory
	var busy sync.WaitGroup
	for range o.Workers {
		busy.Go(func() {
			for c := range work {
				c.outcomes, c.err = o.Directory.Import(ctx, c.entries)
				close(c.done)
			}
		})
	}
	var settled sync.WaitGroup // chunks that are not settled yet
	collected := make(chan struct{})
	var failed error
	go func() {
		defer close(collected)
		saved := time.Now()
		for c := range inOrder {
			<-c.done
			if failed == nil {
				if failed = o.settle(c, &counts); failed == nil {
					at = c.end
				} else {
					stop(failed)
				}
			}
			if failed == nil && time.Since(saved) > saveEvery {
				saved = time.Now()
				if failed = o.save(ctx, s, at, counts); failed != nil {
					stop(failed)
				}
			}
			settled.Done()
		}
	}()

	last := kind("")
	readErr := chunks(f, at, func(c *chunk) bool {
		if c.kind.alone() || c.kind != last {
			settled.Wait() // what it builds on is there
		}
		last = c.kind
		if ctx.Err() != nil {
			return false
		}
		settled.Add(1)
		inOrder <- c
		work <- c
		return true
	})
	close(work)
	close(inOrder)
	busy.Wait()
	<-collected

	if err := errors.Join(readErr, failed); err != nil || ctx.Err() != nil {
		if err == nil {
			err = context.Cause(ctx)
		}
		// What the next run goes on from, as far as the table still takes it.
		saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveEvery)
		defer cancel()
		return counts, errors.Join(err, o.save(saving, s, at, counts))
	}
	return counts, o.forget(ctx, s)
}

// settle notes what became of a chunk.
func (o Options) settle(c *chunk, counts *Counts) error {
	if c.err != nil {
		return c.err
	}
	refused := c.bad
	for i, out := range c.outcomes {
		switch {
		case out.Refused != nil:
			refused = append(refused, Refusal{Line: c.lines[i].Line, Text: c.lines[i].Text, Why: out.Refused})
		case out.Made:
			counts.Made++
		default:
			counts.Present++
		}
	}
	byLine(refused)
	for _, r := range refused {
		counts.Refused++
		if o.Refuse != nil {
			if err := o.Refuse(r); err != nil {
				return fmt.Errorf("note that line %d was refused: %w", r.Line, err)
			}
		}
	}
	counts.Lines = c.end.line
	if o.Progress != nil {
		o.Progress(*counts)
	}
	return nil
}

// chunks cuts a file into chunks until the end or until give says false. A line that
// cannot be read belongs to whatever chunk is open.
func chunks(f io.Reader, at position, give func(*chunk) bool) error {
	in := &lines{r: bufio.NewReaderSize(f, 1<<16), number: at.line, offset: at.offset}
	c := newChunk("")
	flush := func(next kind) bool {
		full := c
		c = newChunk(next)
		if len(full.entries) == 0 && len(full.bad) == 0 && full.blank == 0 {
			return true
		}
		return give(full)
	}
	for {
		text, err := in.next()
		var entry directory.Entry
		var k kind
		if err == nil {
			if text = bytes.TrimSpace(text); len(text) > 0 {
				k, entry, err = parse(text)
			}
		}
		_, bad := problem.As(err)
		switch {
		case errors.Is(err, io.EOF):
			flush("")
			return nil
		case bad:
			c.bad = append(c.bad, Refusal{Line: in.number, Why: err, Text: bytes.Clone(text)})
		case err != nil:
			return err
		case len(text) == 0:
			c.blank++
		default:
			if c.kind != k && c.kind != "" && !flush(k) {
				return nil
			}
			c.kind = k
			c.entries = append(c.entries, entry)
			c.lines = append(c.lines, Refusal{Line: in.number, Text: bytes.Clone(text)})
		}
		c.size += len(text)
		c.end = position{in.number, in.offset}
		if (len(c.entries)+len(c.bad) >= chunkLines || c.size > MaxLine) && !flush("") {
			return nil
		}
	}
}

func newChunk(k kind) *chunk { return &chunk{kind: k, done: make(chan struct{})} }
