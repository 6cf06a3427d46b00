package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"mandate/shared/bulk"
)

type eventsCommand struct {
	output
	From   string    `required:"" placeholder:"OPENRC|CLOUD" predictor:"file" help:"Openrc file, or name of a cloud in clouds.yaml, of an administrator or a service."`
	Follow bool      `help:"Go on, and print events as they come, until Ctrl-C."`
	Since  time.Time `help:"Only events later than this time (2031-03-01T09:00:00Z)."`
}

// Help is shown below the flags.
func (*eventsCommand) Help() string {
	return `Prints what ended tokens, why and by whom, as the service tells it about two seconds later.
Each event is printed once; when the service does not answer it is asked again.

With --json, each is a line of JSON.

Examples:
  $ mandate events --from .mandate/openrc
    what is listed
  $ mandate events --from .mandate/openrc --follow --json
    and what comes, for a program
  $ mandate events --from production --since 2026-11-01T00:00:00Z
    of a cloud of clouds.yaml, since then`
}

// Run prints events.
func (c *eventsCommand) Run(ctx context.Context, p *progress) error {
	cloud, err := bulk.FindCloud(c.From, os.Getenv)
	if err != nil {
		return usage(err)
	}
	p.begin("Asking "+c.From, 0, "")
	return bulk.Follow(ctx, cloud, &http.Client{Timeout: time.Minute}, bulk.Following{
		Since: c.Since, Once: !c.Follow, Answered: p.end, Tell: c.tell,
		Lost: func(err error) { p.say("mandate: " + err.Error()) },
	})
}

func (c *eventsCommand) tell(e bulk.Told) error {
	if c.JSON {
		return c.give(e)
	}
	_, err := fmt.Println(line(e))
	return err
}

// line says an event in words: when, what ended and why, which, by whom, in which request.
func line(e bulk.Told) string {
	var about []string
	for _, part := range []struct{ name, id string }{
		{"token", e.AuditID}, {"chain", e.AuditChainID}, {"user", e.UserID}, {"group", e.GroupID}, {"project", e.ProjectID},
		{"domain", e.DomainID}, {"role", e.RoleID}, {"trust", e.TrustID}, {"consumer", e.ConsumerID}, {"access token", e.AccessTokenID},
	} {
		if part.id != "" {
			about = append(about, part.name+" "+part.id)
		}
	}
	text := fmt.Sprintf("%s  %-21s  %s", e.At.UTC().Format("2006-01-02T15:04:05.000Z"), strings.ReplaceAll(e.Type, "_", " "), strings.Join(about, ", "))
	if e.By != "" {
		text += fmt.Sprintf("  by %s in %s", e.By, e.RequestID)
	}
	return text
}
