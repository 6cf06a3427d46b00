package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"mandate/shared/app"
	"mandate/shared/bulk"
)

type importCommand struct {
	place
	File    string `arg:"" predictor:"file" help:"JSON lines, as docs/import.md explains them and 'mandate export' writes them."`
	Refused string `help:"Write every line that was refused, and why, to this file." placeholder:"FILE" predictor:"file"`
	Workers int    `default:"16" help:"Chunks of lines at work at once."`
}

// Help is shown below the flags.
func (*importCommand) Help() string {
	return `Every line adds a domain, role, implication, project, group, user, membership or assignment
under the id that the file gives. What is there already with the same content stays; what
cannot be taken is refused with its line number, and the rest goes on. Interrupted and run
again, it goes on where it stopped. The service must be stopped meanwhile, unless the table
is in DynamoDB. Exit code 3 says that lines were refused, 4 and 130 that it did not come to the end.

Examples:
  $ mandate import cloud.jsonl
    into .mandate
  $ DATA=new mandate import cloud.jsonl && DATA=new ADMIN_PASSWORD=secret mandate bootstrap
    a whole cloud into an empty table
  $ mandate import --json --refused refused.jsonl cloud.jsonl
    keep what was refused for later; the counts as JSON`
}

// Run imports the file.
func (c *importCommand) Run(ctx context.Context, p *progress) (err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	p.begin("Reading "+c.File, 0, "")
	survey, err := bulk.Look(f)
	if err != nil {
		return err
	}
	s, a, err := c.tend(ctx, p, app.Parts{})
	if err != nil {
		return err
	}
	defer s.close()
	refuse, closeRefused, err := c.refusals(p)
	if err != nil {
		return err
	}
	p.begin("Importing", survey.Lines, "lines")
	resumed := false
	counts, err := bulk.Import(ctx, f, survey, bulk.Options{
		Directory: a.Directory, Table: a.Table, Workers: c.Workers, Refuse: refuse,
		Progress: func(n bulk.Counts) {
			if n.Resumed > 0 && !resumed {
				resumed = true
				p.resume(n.Resumed)
				p.say(fmt.Sprintf("Going on after line %d.", n.Resumed))
			}
			note := ""
			if n.Refused > 0 {
				note = fmt.Sprintf("%d refused", n.Refused)
			}
			p.at(n.Lines, note)
		},
	})
	p.end()
	c.say("%d of %d lines: %d made, %d there already, %d refused.", counts.Lines, survey.Lines, counts.Made, counts.Present, counts.Refused)
	err = errors.Join(err, closeRefused(), c.give(struct {
		Lines   int64 `json:"lines"` // done with
		Of      int64 `json:"of"`
		Made    int64 `json:"made"`
		Present int64 `json:"present"`
		Refused int64 `json:"refused"`
	}{counts.Lines, survey.Lines, counts.Made, counts.Present, counts.Refused}))
	switch {
	case ctx.Err() != nil:
		return coded{errors.New("interrupted; the same command goes on from there"), exitInterrupted}
	case err != nil:
		return fmt.Errorf("%w; the same command goes on from there", err)
	case counts.Refused > 0:
		return refused(fmt.Errorf("%d lines were refused", counts.Refused))
	}
	return nil
}

// refusals is where refused lines go: to stderr and, if wanted, to a file, at whose end
// a resumed import goes on.
func (c *importCommand) refusals(p *progress) (func(bulk.Refusal) error, func() error, error) {
	var file *os.File
	if c.Refused != "" {
		var err error
		if file, err = os.OpenFile(c.Refused, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, nil, err
		}
	}
	refuse := func(r bulk.Refusal) error {
		p.say(fmt.Sprintf("line %d refused: %s", r.Line, r.Why))
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
