package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/local"
	"mandate/shared/store"
	"mandate/shared/webhook"
)

type serveCommand struct {
	place
	Port          int    `env:"PORT" default:"5000" help:"Port on 127.0.0.1."`
	AdminPassword string `env:"ADMIN_PASSWORD" help:"Password of the user admin, set on the first start; generated when absent."`
}

// Help is shown below the flags.
func (*serveCommand) Help() string {
	return `The first start makes domain Default, project and user admin and the roles, and writes DATA/openrc
and DATA/clouds.yaml for clients. With --json, a line says where it serves once it does.

Examples:
  $ mandate serve
    serve http://127.0.0.1:5000, data in .mandate
  $ DATA=memory PORT=5001 mandate serve
    keep nothing, on another port
  $ TOKEN_EXPIRATION=600 mandate serve --json
    tokens live ten minutes; the address as JSON`
}

// Run serves until it is told to stop (SIGINT, SIGTERM).
func (c *serveCommand) Run(ctx context.Context, p *progress) error {
	app.CollectLess()
	settings, err := config.Read(os.Getenv)
	if err != nil {
		return usage(err)
	}
	hook, err := config.ReadWebhook(os.Getenv)
	if err != nil {
		return usage(err)
	}
	// Taken first: two services must not meet in one data folder because of a typing error.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return unavailable(fmt.Errorf("port %d is taken; choose another, for example PORT=%d", c.Port, c.Port+1))
		}
		return usage(fmt.Errorf("listen: %w", err))
	}
	defer func() { _ = listener.Close() }()

	log := logger(settings)
	s, a, err := c.open(ctx, p, app.Parts{Config: settings, Log: log, Abreast: sweepAbreast})
	if err != nil {
		return err
	}
	defer s.close()
	base := settings.PublicURL
	if base == "" {
		base = "http://" + listener.Addr().String()
	}
	p.begin("Making ready", 0, "")
	if err := c.makeReady(ctx, a, base); err != nil {
		return err
	}
	service, err := local.Serve(a)
	if err != nil {
		return err
	}
	if hook.URL != "" {
		target, err := webhook.New(hook, log)
		if err != nil {
			return usage(err)
		}
		service.Streams = append(service.Streams, service.Webhook(a, target))
	}
	p.end()
	return c.run(ctx, listener, service, s, base, log)
}

// sweepAbreast is as many as share a commit of the embedded table without making it long: while
// the writer computes, a request may wait for its processor.
const sweepAbreast = 4

// graceful is how long requests under way may still take when the service is told to stop.
const graceful = 5 * time.Second

func (c *serveCommand) run(ctx context.Context, l net.Listener, service *local.Service, s storage, base string, log *slog.Logger) error {
	server := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	var following sync.WaitGroup
	failed := make(chan error, len(service.Streams)+1)
	for _, f := range service.Streams {
		following.Go(func() {
			if err := follow(ctx, f, s, log); err != nil {
				failed <- fmt.Errorf("follow the changes: %w", err)
			}
		})
	}
	for _, f := range service.Schedules {
		following.Go(func() { f.Run(ctx, log) })
	}
	go func() { failed <- fmt.Errorf("serve: %w", server.Serve(l)) }()
	c.say("Serving %s/v3 — stop with Ctrl-C.", base)
	c.sayNext()
	err := c.give(struct {
		URL   string   `json:"url"`
		Files []string `json:"files,omitempty"` // for clients
	}{base + "/v3", c.clientFiles()})
	if err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	c.say("Stopping.")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	err = server.Shutdown(ctx)
	following.Wait()
	return err
}

// follow feeds a function what changes in the table: as one shard, or those of DynamoDB.
func follow(ctx context.Context, f local.StreamFunction, s storage, log *slog.Logger) error {
	feed := func(ctx context.Context, shard string, changes store.Log) error {
		p := f.Poller(changes, log)
		p.Shard, p.Failures = shard, s.failures
		return p.Run(ctx)
	}
	if s.stream == nil {
		return feed(ctx, "", s.changes)
	}
	fromStart := f.Settings.FromStart
	f.Settings.FromStart = true // of each shard; where a new reader begins, the stream knows
	return s.stream.Follow(ctx, f.Reader, fromStart, feed)
}

func (c *serveCommand) sayNext() {
	if c.memory() {
		c.say("Nothing is kept. The admin's password is in the environment above.")
		return
	}
	openrc := filepath.Join(c.Data, "openrc")
	c.say("Next, in another terminal:  source %s && openstack token issue", openrc)
}
