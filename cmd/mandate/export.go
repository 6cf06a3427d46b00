package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"mandate/shared/bulk"
)

type exportCommand struct {
	output
	From string `required:"" placeholder:"OPENRC|CLOUD" predictor:"file" help:"Openrc file, or name of a cloud in clouds.yaml, of an administrator."`
	Out  string `placeholder:"FILE" predictor:"file" help:"Write to this file instead of standard output."`
}

// Help is shown below the flags.
func (*exportCommand) Help() string {
	return `Reads domains, roles, projects, groups, users, memberships and assignments through the
Identity API v3 and writes them as the lines that 'mandate import' takes. The API gives no
password hashes; docs/import.md says how to add them.

Examples:
  $ mandate export --from openrc --out cloud.jsonl
    as the administrator of an openrc file
  $ mandate export --from production | gzip > cloud.jsonl.gz
    a cloud of clouds.yaml
  $ mandate export --from openrc --out cloud.jsonl --json
    how many lines, for a program`
}

// Run writes what the cloud has.
func (c *exportCommand) Run(ctx context.Context, p *progress) (err error) {
	if c.JSON && c.Out == "" {
		return usage(errors.New("--json needs --out: standard output would be both the file and the result"))
	}
	cloud, err := bulk.FindCloud(c.From, os.Getenv)
	if err != nil {
		return usage(err)
	}
	out := io.Writer(os.Stdout)
	if c.Out != "" {
		f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() {
			if closed := f.Close(); err == nil {
				err = closed
			}
		}()
		out = f
	}
	lines := int64(0)
	p.begin("Exporting", 0, "lines")
	err = bulk.Export(ctx, cloud, &http.Client{Timeout: time.Hour}, out, func(n int64) {
		lines = n
		p.at(n, "")
	})
	if err != nil {
		return err
	}
	p.end()
	p.say(fmt.Sprintf("%d lines written.", lines))
	return c.give(struct {
		Lines int64  `json:"lines"`
		Out   string `json:"out"`
	}{lines, c.Out})
}
