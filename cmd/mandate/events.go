package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"mandate/shared/bulk"
)

type eventsCommand struct {
	From   string    `required:"" placeholder:"OPENRC|CLOUD" help:"Openrc file, or name of a cloud in clouds.yaml, of an administrator or a service."`
	Follow bool      `help:"Go on, and print events as they come, until Ctrl-C."`
	Since  time.Time `help:"Only events later than this time (2031-03-01T09:00:00Z)."`
	JSON   bool      `name:"json" help:"Print each event as one line of JSON."`
}

// Help is shown below the flags.
func (*eventsCommand) Help() string {
	return `Prints what ended tokens, why and by whom, as the service tells it about two seconds later.
Each event is printed once; when the service does not answer it is asked again.

Examples:
  mandate events --from .mandate/openrc            what is listed
  mandate events --from .mandate/openrc --follow   and what comes`
}

// Run prints events.
func (c *eventsCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cloud, err := bulk.FindCloud(c.From, os.Getenv)
	if err != nil {
		return err
	}
	return bulk.Follow(ctx, cloud, &http.Client{Timeout: time.Minute}, bulk.Following{
		Since: c.Since, Once: !c.Follow, Tell: c.print,
		Lost: func(err error) { fmt.Fprintln(os.Stderr, "mandate:", err) },
	})
}

func (c *eventsCommand) print(e bulk.Told) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err = fmt.Println(string(text))
		return err
	}
	_, err = fmt.Println(line(e))
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
