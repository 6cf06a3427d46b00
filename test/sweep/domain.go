package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/sweep"
)

// Of a domain with so many users, a project for each tenth and a group for each hundredth.
// Everyone has a role on a project and is in a group; projects stand in trees of four levels.
const (
	perProject, perGroup = 10, 100
	levels               = 4
)

// domain is the deletion of a large domain, in one process, with the settings that the
// template has for the stream's function: how long the longest of its invocations takes, and
// how much it writes.
type domain struct {
	*app.App
	engine *embedded.Table
	users  int
	role   string
	later  atomic.Int64 // by how much the clock was moved
	meter
}

// meter stands before the function and measures its invocations.
type meter struct {
	lambda.Handler
	writes        atomic.Int64
	invocations   int
	most          int64
	longest, took time.Duration
	head          func(context.Context) (groups int, err error)
	groups        int // most of those deleted that the head named after an invocation
}

// Invoke passes an event on.
func (m *meter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began, before := time.Now(), m.writes.Load()
	reply, err := m.Handler.Invoke(ctx, payload)
	took := time.Since(began)
	m.invocations++
	m.took += took
	m.longest, m.most = max(m.longest, took), max(m.most, m.writes.Load()-before)
	groups, unread := m.head(ctx)
	m.groups = max(m.groups, groups)
	return reply, errors.Join(err, unread)
}

func (m measurement) deleteDomain(ctx context.Context) (err error) {
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	d := &domain{users: m.domain}
	if d.engine, err = embedded.Open(embedded.Options{Path: filepath.Join(m.dir, "domain.db"), Now: d.now}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.engine.Close()) }()
	if err := d.open(ctx); err != nil {
		return err
	}
	before, err := d.items(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	id, err := d.seed(ctx)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	seeded, err := d.items(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("seeded       %d users, %d projects, %d groups; %d items, in %s\n", d.users, d.users/perProject, d.users/perGroup,
		len(seeded)-len(before), time.Since(began).Round(time.Second))
	timeout, err := d.drain(ctx) // what seeding left in the log
	if err != nil {
		return err
	}
	d.invocations, d.most, d.longest, d.took, d.groups = 0, 0, 0, 0, 0

	began = time.Now()
	_, err = d.Directory.UpdateDomain(ctx, d.reads(), id, func(d *directory.Domain) error { d.Enabled = false; return nil })
	if err = errors.Join(err, d.Directory.DeleteDomain(ctx, d.reads(), id)); err != nil {
		return err
	}
	fmt.Printf("deleted      acknowledged after %s\n", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	if _, err := d.drain(ctx); err != nil {
		return err
	}
	first := time.Since(began)
	if err := d.secondPass(ctx); err != nil {
		return err
	}
	after, err := d.items(ctx)
	if err != nil {
		return err
	}
	left := map[string]int{}
	for k, kind := range after {
		if _, was := before[k]; !was && kind != "revoked" { // kept for whoever asks what ended
			left[kind]++
		}
	}
	fmt.Printf("swept        in %s, by %d invocations of %s in the mean\n", first.Round(time.Second), d.invocations,
		(d.took / time.Duration(max(d.invocations, 1))).Round(time.Millisecond))
	fmt.Printf("at most      %d writes and %s in one invocation, of the %s that the template gives it\n", d.most, d.longest.Round(time.Millisecond), timeout)
	fmt.Printf("head         named at most %d deleted groups at a time\n", d.groups)
	fmt.Printf("left         %v\n", left)
	switch {
	case len(left) > 0:
		return errors.New("not all is swept")
	case d.longest > timeout/2:
		return errors.New("an invocation takes more than half of its time")
	}
	return nil
}

func (d *domain) now() time.Time { return time.Now().Add(time.Duration(d.later.Load())) }

func (d *domain) reads() *store.ReadSet { return store.NewReadSet(d.Table) }

// open makes the table ready, and counts what is written from then on.
func (d *domain) open(ctx context.Context) error {
	settings, err := config.Read(func(string) string { return "" })
	if err != nil {
		return err
	}
	key, err := secret.NewMasterKey()
	if err != nil {
		return err
	}
	counted := faults.New(d.engine, faults.Options{Choose: func(_ int, op faults.Operation) faults.Fault {
		if op == faults.Write {
			d.writes.Add(1)
		}
		return faults.None
	}})
	d.App, err = app.New(ctx, app.Parts{
		Config: settings, Table: counted, Wrapper: key, Now: d.now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	_, err = d.Directory.Bootstrap(ctx, directory.BootstrapOptions{AdminPassword: secret.New(password), PublicURL: "http://127.0.0.1/v3"})
	if err != nil {
		return err
	}
	r, err := d.Directory.CreateRole(ctx, d.reads(), directory.Role{Name: "builder"})
	d.role = r.ID
	return err
}

// items are the kinds of all items there are.
func (d *domain) items(ctx context.Context) (map[store.Key]string, error) {
	found := map[store.Key]string{}
	after := ""
	for {
		p, err := d.engine.Page(ctx, after, store.MaxPageItems)
		if err != nil {
			return nil, err
		}
		for _, e := range p.Entries {
			found[e.Key] = e.Item.Str(store.AttrType)
		}
		if after = p.Next; after == "" {
			return found, nil
		}
	}
}

// seed makes the domain and returns its id.
func (d *domain) seed(ctx context.Context) (string, error) {
	dom, err := d.Directory.CreateDomain(ctx, d.reads(), directory.Domain{Name: "large", Enabled: true})
	if err != nil {
		return "", err
	}
	groups, projects := make([]string, max(1, d.users/perGroup)), make([]string, max(1, d.users/perProject))
	err = abreast(len(groups), func(n int) error {
		g, err := d.Directory.CreateGroup(ctx, d.reads(), directory.Group{Name: fmt.Sprint("g", n), DomainID: dom.ID})
		groups[n] = g.ID
		return err
	})
	if err != nil {
		return "", err
	}
	err = abreast((len(projects)+levels-1)/levels, func(tree int) error {
		parent := ""
		for n := tree * levels; n < min((tree+1)*levels, len(projects)); n++ {
			p, err := d.Directory.CreateProject(ctx, d.reads(), directory.Project{Name: fmt.Sprint("p", n), DomainID: dom.ID, ParentID: parent, Enabled: true})
			if err != nil {
				return err
			}
			parent, projects[n] = p.ID, p.ID
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return dom.ID, abreast(d.users, func(n int) error {
		u, err := d.Directory.CreateUser(ctx, d.reads(), directory.User{Name: fmt.Sprint("u", n), DomainID: dom.ID, Enabled: true}, nil)
		if err != nil {
			return err
		}
		return errors.Join(
			d.Directory.Grant(ctx, d.reads(), store.UserActor(u.ID), store.OnProject(projects[n%len(projects)]), d.role),
			d.Directory.Join(ctx, d.reads(), groups[n%len(groups)], u.ID))
	})
}

// abreast does n things, 64 at a time, so that they share commits.
func abreast(n int, do func(int) error) error {
	next := atomic.Int64{}
	failed := make(chan error, 64)
	for range cap(failed) {
		go func() {
			for {
				at := int(next.Add(1)) - 1
				if at >= n {
					failed <- nil
					return
				}
				if err := do(at); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	var errs []error
	for range cap(failed) {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

// drain lets the stream's function have what is in the log, until there is no more, and
// returns its time-out.
func (d *domain) drain(ctx context.Context) (time.Duration, error) {
	service, err := local.Serve(d.App)
	if err != nil {
		return 0, err
	}
	at := slices.IndexFunc(service.Streams, func(f local.StreamFunction) bool { return f.Reader == "cascade" })
	f := service.Streams[at]
	d.Handler = f.Function
	p := f.Poller(d.engine, d.Log)
	p.Function, p.Now, d.head = &d.meter, d.now, d.goneGroups
	return f.Timeout, p.Drain(ctx)
}

// goneGroups is how many deleted groups the head of the directory names.
func (d *domain) goneGroups(ctx context.Context) (int, error) {
	rs, groups := d.reads(), 0
	err := rs.Settle(ctx, func() error {
		head, err := directory.ReadHead(rs)
		groups = len(head.GoneGroups)
		return err
	})
	return groups, err
}

// secondPass goes through the lists on indexes again, as the clock does later.
func (d *domain) secondPass(ctx context.Context) error {
	d.later.Add(int64(sweep.Later + time.Minute))
	for {
		due, err := d.Sweeper.Due(ctx)
		if err != nil {
			return err
		}
		if _, err := d.drain(ctx); err != nil || due == 0 {
			return err
		}
	}
}
