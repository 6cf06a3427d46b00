package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"mandate/shared/app"
	"mandate/shared/bulk"
	"mandate/shared/config"
)

type importCommand struct {
	place
	File    string `arg:"" help:"JSON lines, as docs/import.md explains them and 'mandate export' writes them."`
	Refused string `help:"Write every line that was refused, and why, to this file." placeholder:"FILE"`
	Workers int    `default:"16" help:"Chunks of lines at work at once."`
}

// Help is shown below the flags.
func (*importCommand) Help() string {
	return `Every line adds a domain, role, implication, project, group, user, membership or assignment
under the id that the file gives. What is there already with the same content stays; what
cannot be taken is refused with its line number, and the rest goes on. Interrupted and run
again, it goes on where it stopped. The service must be stopped meanwhile, unless the table
is in DynamoDB. Exit code 1 says that lines were refused, or that it did not come to the end.

Examples:
  mandate import cloud.jsonl                         into .mandate
  DATA=new mandate import cloud.jsonl && ADMIN_PASSWORD=secret DATA=new mandate bootstrap
                                                     a whole cloud into an empty table
  mandate import --refused refused.jsonl cloud.jsonl keep what was refused for later`
}

// Run imports the file.
func (c *importCommand) Run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.memory() {
		return errors.New("DATA=memory keeps nothing; name a folder, or a DynamoDB with DYNAMODB_ENDPOINT=")
	}
	settings, err := config.Read(os.Getenv)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	survey, err := bulk.Look(f)
	if err != nil {
		return err
	}
	s, err := c.openStorage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: settings.LogLevel}))
	a, err := app.New(ctx, app.Parts{Config: settings, Table: s.table, Wrapper: s.key, Log: log})
	if err != nil {
		return err
	}
	show := newProgress(survey.Lines)
	refuse, closeRefused, err := c.refusals(show)
	if err != nil {
		return err
	}
	counts, err := bulk.Import(ctx, f, survey, bulk.Options{
		Directory: a.Directory, Table: a.Table, Workers: c.Workers, Refuse: refuse, Progress: show.at,
	})
	show.end(counts)
	err = errors.Join(err, closeRefused())
	say("%d of %d lines: %d made, %d there already, %d refused.", counts.Lines, survey.Lines, counts.Made, counts.Present, counts.Refused)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the same command goes on from there")
	case err != nil:
		return fmt.Errorf("%w; the same command goes on from there", err)
	case counts.Refused > 0:
		return fmt.Errorf("%d lines were refused", counts.Refused)
	}
	return nil
}

// refusals is where refused lines go: to stderr and, if wanted, to a file, at whose end
// a resumed import goes on.
func (c *importCommand) refusals(show *progress) (func(bulk.Refusal) error, func() error, error) {
	var file *os.File
	if c.Refused != "" {
		var err error
		if file, err = os.OpenFile(c.Refused, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, nil, err
		}
	}
	refuse := func(r bulk.Refusal) error {
		show.say(fmt.Sprintf("line %d refused: %s", r.Line, r.Why))
		if file == nil {
			return nil
		}
		b, err := json.Marshal(struct {
			Line int64  `json:"line"`
			Why  string `json:"why"`
			Text string `json:"text"`
		}{r.Line, r.Why.Error(), string(r.Text)})
		if err != nil {
			return err
		}
		_, err = file.Write(append(b, '\n'))
		return err
	}
	closed := func() error {
		if file == nil {
			return nil
		}
		return file.Close()
	}
	return refuse, closed, nil
}

// progress shows how far a long command came, on stderr: as a bar on a terminal, as a
// line now and then elsewhere.
type progress struct {
	out     io.Writer
	bar     *progressbar.ProgressBar
	total   int64
	started time.Time
	from    int64 // lines that an earlier run was done with
	said    time.Time
}

const sayEvery = 5 * time.Second

func newProgress(total int64) *progress {
	p := &progress{out: os.Stderr, total: total, started: time.Now(), said: time.Now(), from: -1}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("lines"), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetWidth(30), progressbar.OptionSetDescription("Importing"))
	}
	return p
}

// at is called from one goroutine.
func (p *progress) at(c bulk.Counts) {
	if p.from < 0 {
		if p.from = c.Resumed; p.from > 0 {
			p.say(fmt.Sprintf("Going on after line %d.", p.from))
		}
	}
	if p.bar != nil {
		_ = p.bar.Set64(c.Lines) // what cannot be drawn is not worth an error
		return
	}
	if now := time.Now(); now.Sub(p.said) > sayEvery {
		p.said = now
		rate := float64(c.Lines-p.from) / now.Sub(p.started).Seconds()
		left := time.Duration(float64(p.total-c.Lines) / max(rate, 1) * float64(time.Second))
		p.say(fmt.Sprintf("%d of %d lines (%d%%), %d refused, %.0f a second, about %s left",
			c.Lines, p.total, 100*c.Lines/max(p.total, 1), c.Refused, rate, left.Round(time.Second)))
	}
}

func (p *progress) say(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintln(p.out, text)
}

func (p *progress) end(c bulk.Counts) {
	if p.bar != nil {
		_ = p.bar.Set64(c.Lines)
		_ = p.bar.Exit()
		_, _ = fmt.Fprintln(p.out)
	}
}
