package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mandate/shared/bulk"
)

type exportCommand struct {
	From string `required:"" placeholder:"OPENRC|CLOUD" help:"Openrc file, or name of a cloud in clouds.yaml, of an administrator."`
	Out  string `placeholder:"FILE" help:"Write to this file instead of standard output."`
}

// Help is shown below the flags.
func (*exportCommand) Help() string {
	return `Reads domains, roles, projects, groups, users, memberships and assignments through the
Identity API v3 and writes them as the lines that 'mandate import' takes. The API gives no
password hashes; docs/import.md says how to add them.

Examples:
  mandate export --from openrc --out cloud.jsonl   as the administrator of an openrc file
  mandate export --from production | gzip > cloud.jsonl.gz
                                                   a cloud of clouds.yaml`
}

// Run writes what the cloud has.
func (c *exportCommand) Run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cloud, err := bulk.FindCloud(c.From, os.Getenv)
	if err != nil {
		return err
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
	said, lines := time.Now(), int64(0)
	err = bulk.Export(ctx, cloud, &http.Client{Timeout: time.Hour}, out, func(n int64) {
		if lines = n; time.Since(said) > sayEvery {
			said = time.Now()
			fmt.Fprintf(os.Stderr, "%d lines\n", n)
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d lines written.\n", lines)
	return nil
}
