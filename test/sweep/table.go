package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/token"
)

const consumerID = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"

// looked is how many identity tokens are validated.
const looked = 50

// seed writes the consumer and its access tokens past the API, a hundred items at a time,
// and returns identity tokens of some.
func (m measurement) seed(ctx context.Context) (samples []string, err error) {
	t, err := embedded.Open(embedded.Options{Path: m.table()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.Close() }()
	key, err := secret.OpenMasterKey(filepath.Join(m.dir, "data", "master.key"))
	if err != nil {
		return nil, err
	}
	settings, err := config.Read(func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, app.Parts{Config: settings, Table: t, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	s := seeding{App: a, table: t, key: key}
	if err := s.people(ctx); err != nil {
		return nil, err
	}
	w := writer{table: t, batches: make(chan []store.Mutation), failed: make(chan error, writers)}
	for range writers {
		w.group.Go(func() { w.run(ctx) })
	}
	var batch []store.Mutation
	for n := range m.tokens {
		if len(batch)+5 > store.MaxMutations {
			w.batches <- batch
			batch = nil
		}
		id := fmt.Sprintf("%032x", n)
		batch = append(batch, s.access(id)...)
		if n%m.every != 0 || n/m.every >= m.tokens/m.every {
			continue
		}
		row, text, err := s.identity(id)
		if err != nil {
			return nil, err
		}
		batch = append(batch, row)
		if n/m.every%max(1, m.tokens/m.every/looked) == 0 {
			samples = append(samples, text.Reveal())
		}
	}
	if err := w.end(batch); err != nil {
		return nil, err
	}
	return samples, s.read(ctx)
}

// writers is how many batches are written side by side, so that they share commits.
const writers = 8

// writer writes batches. After a failure it goes on taking them, and the end says so.
type writer struct {
	table   store.Table
	batches chan []store.Mutation
	failed  chan error
	group   sync.WaitGroup
}

func (w *writer) run(ctx context.Context) {
	var failed error
	for batch := range w.batches {
		if failed == nil {
			failed = w.table.Write(ctx, store.NewRequestID(), batch...)
		}
	}
	w.failed <- failed
}

func (w *writer) end(last []store.Mutation) error {
	if len(last) > 0 {
		w.batches <- last
	}
	close(w.batches)
	w.group.Wait()
	close(w.failed)
	var errs []error
	for err := range w.failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

type seeding struct {
	*app.App
	table         *embedded.Table
	key           secret.Wrapper
	user          directory.User
	project, role string
	sealer        token.Sealer
}

// people makes the consumer and the user whose authority its tokens carry.
func (s *seeding) people(ctx context.Context) error {
	rs := func() *store.ReadSet { return store.NewReadSet(s.Table) }
	var err error
	if s.user, err = s.Directory.CreateUser(ctx, rs(), directory.User{Name: "ada", DomainID: "default", Enabled: true}, nil); err != nil {
		return err
	}
	p, err := s.Directory.CreateProject(ctx, rs(), directory.Project{Name: "web", DomainID: "default", Enabled: true})
	if err != nil {
		return err
	}
	r, err := s.Directory.CreateRole(ctx, rs(), directory.Role{Name: "builder"})
	if err != nil {
		return err
	}
	s.project, s.role = p.ID, r.ID
	if err := s.Directory.Grant(ctx, rs(), store.UserActor(s.user.ID), store.OnProject(p.ID), r.ID); err != nil {
		return err
	}
	rings, err := secret.OpenRings(ctx, secret.RingsOptions{Table: s.Table, Wrapper: s.key})
	if err != nil {
		return err
	}
	s.sealer = token.NewSealer(rings)
	return s.table.Write(ctx, store.NewRequestID(),
		store.Create(store.Consumer(consumerID), store.Item{store.AttrType: "consumer", "id": consumerID, "secret": make([]byte, 80)}),
		store.Create(store.ConsumerList(consumerID), store.Item{store.AttrType: "consumer listed", "id": consumerID}))
}

// access is an access token with what lists it, as an exchange writes them.
func (s *seeding) access(id string) []store.Mutation {
	listed := store.Item{store.AttrType: "access token listed", "id": id, "consumer_id": consumerID, "project_id": s.project}
	m := []store.Mutation{store.Create(store.AccessToken(id), store.Item{
		store.AttrType: "access token", "id": id, "consumer_id": consumerID, "project_id": s.project, "user_id": s.user.ID,
		"roles": store.NewSet(s.role), "secret": make([]byte, 80), "created_at": time.Now().UnixMicro(),
	})}
	for _, k := range []store.Key{
		store.AccessOfConsumer(consumerID, id), store.AccessOfUser(s.user.ID, id), store.AccessOfProject(s.project, id),
	} {
		m = append(m, store.Create(k, listed))
	}
	return m
}

// identity is an identity token that was obtained with an access token, and its row.
func (s *seeding) identity(access string) (store.Mutation, secret.Text, error) {
	text, audit, err := s.sealer.Mint(context.Background(), token.Hints{
		Kind: token.KindProject, UserID: s.user.ID, ScopeID: s.project, AccessTokenID: access, ConsumerID: consumerID,
	})
	if err != nil {
		return store.Mutation{}, text, err
	}
	now := time.Now()
	digest := text.Digest()
	return store.Create(store.Token(audit.Hex()), store.Item{
		store.AttrType: "token", store.AttrAudit: audit.Hex(), "digest": digest[:], "user_id": s.user.ID, "scope": "project", "scope_id": s.project,
		"methods": store.NewSet("oauth1"), "issued_at": now.UnixMicro(), "expires_at": now.Add(6 * time.Hour).Unix(), "epoch": s.user.Epoch,
		"access_id": access, "consumer_id": consumerID,
		store.AttrIndex1: store.ByUser(s.user.ID), store.AttrIndex2: store.ByAccess(access), store.AttrTTL: now.Add(48 * time.Hour).Unix(),
	}), text, nil
}

// read acknowledges what seeding wrote for all who read the log, as if it had been read.
func (s *seeding) read(ctx context.Context) error {
	last, err := end(ctx, s.table)
	if err != nil {
		return err
	}
	for _, reader := range []string{"cascade", "publish"} {
		if err := s.table.Acknowledge(ctx, reader, last); err != nil {
			return err
		}
	}
	_, err = s.table.SweepNow(ctx)
	return err
}

// end is the last position of the log. Positions count changes, so it need not be read through.
func end(ctx context.Context, t *embedded.Table) (string, error) {
	low, high := 0, 1<<40
	for low < high {
		middle := (low + high) / 2
		changes, err := t.Changes(ctx, fmt.Sprintf("%020d", middle), 1)
		if err != nil {
			return "", err
		}
		if len(changes) == 0 {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return fmt.Sprintf("%020d", low), nil
}

// remains is what is left of the consumer.
type remains struct {
	access, listed int // access tokens, and entries of lists of them
	live, marked   int // token rows
	jobs           int // but for those that wait for their second pass
	behind         int // changes that the cascade has not seen
}

func (r remains) String() string {
	return fmt.Sprintf("%d access tokens, %d entries in lists, %d live and %d marked identity tokens, %d jobs, %d changes unread",
		r.access, r.listed, r.live, r.marked, r.jobs, r.behind)
}

// count goes through the table, which nobody else has open.
func (m measurement) count(ctx context.Context) (r remains, err error) {
	t, err := embedded.Open(embedded.Options{Path: m.table(), SweepEvery: time.Hour})
	if err != nil {
		return r, err
	}
	defer func() { _ = t.Close() }()
	at, err := t.Position(ctx, "cascade")
	if err != nil {
		return r, err
	}
	for {
		changes, err := t.Changes(ctx, at, 0)
		if err != nil {
			return r, err
		}
		if len(changes) == 0 {
			break
		}
		r.behind += len(changes)
		at = changes[len(changes)-1].Position
	}
	after := ""
	for {
		p, err := t.Page(ctx, after, store.MaxPageItems)
		if err != nil {
			return r, err
		}
		for _, e := range p.Entries {
			switch e.Item.Str(store.AttrType) {
			case "access token":
				r.access++
			case "access token listed":
				r.listed++
			case "job":
				if !e.Item.Bool("late") {
					r.jobs++
				}
			case "token":
				switch {
				case e.Item.Str("consumer_id") != consumerID:
				case e.Item.Bool(token.AttrDead):
					r.marked++
				default:
					r.live++
				}
			}
		}
		if p.Next == "" {
			return r, nil
		}
		after = p.Next
	}
}
