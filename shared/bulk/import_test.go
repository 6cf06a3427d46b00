package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/bulk"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/retry"
	"mandate/shared/store/tear"
)

// bench is an empty directory over a table in memory.
type bench struct {
	*directory.Directory
	t        *testing.T
	table    store.Table
	log      store.Log
	registry *directory.Registry
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchOver(t, func(t store.Table) store.Table { return t })
}

// newTorn is a bench whose reads are torn apart, as DynamoDB's may be.
func newTorn(t *testing.T) *bench {
	t.Helper()
	return newBenchOver(t, func(t store.Table) store.Table { return tear.New(t, tear.Options{Seed: 1}) })
}

func newBenchOver(t *testing.T, decorate func(store.Table) store.Table) *bench {
	t.Helper()
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	table := retry.New(decorate(engine), retry.Options{})
	registry := directory.NewRegistry(table)
	return &bench{t: t, table: table, log: engine, registry: registry, Directory: directory.New(directory.Options{
		Table: table, Registry: registry, Hasher: secret.NewHasher(), Now: time.Now,
	})}
}

func (b *bench) rs() *store.ReadSet { return store.NewReadSet(b.table) }

// run imports a file and says what was refused, by line.
func (b *bench) run(text string) (bulk.Counts, map[int64]string) {
	b.t.Helper()
	counts, refused, err := b.try(b.t.Context(), text, nil)
	require.NoError(b.t, err)
	return counts, refused
}

func (b *bench) try(ctx context.Context, text string, progress func(bulk.Counts)) (bulk.Counts, map[int64]string, error) {
	f := strings.NewReader(text)
	survey, err := bulk.Look(f)
	require.NoError(b.t, err)
	require.Equal(b.t, int64(len(text)), survey.Bytes)
	refused := map[int64]string{}
	last := int64(0)
	counts, err := bulk.Import(ctx, f, survey, bulk.Options{
		Directory: b.Directory, Table: b.table, Workers: 4, Progress: progress,
		Refuse: func(r bulk.Refusal) error {
			require.Greater(b.t, r.Line, last, "refusals come in the order of the lines")
			last = r.Line
			refused[r.Line] = r.Why.Error()
			return nil
		},
	})
	return counts, refused, err
}

const hash = `$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW`

var small = strings.ReplaceAll(`{"domain":{"id":"default","name":"Default","links":{"self":"x"}}}
{"domain":{"id":"off","name":"Off","enabled":false}}
{"role":{"id":"r-reader","name":"reader","options":{"immutable":true}}}
{"role":{"id":"r-member","name":"member","description":null}}
{"implication":{"prior_role_id":"r-member","implied_role_id":"r-reader"}}
{"project":{"id":"p-top","name":"top","domain_id":"default","parent_id":"default","tags":["b","a"]}}
{"project":{"id":"p-below","name":"below","parent_id":"p-top","enabled":false}}
{"project":{"id":"p-lowest","name":"lowest","parent_id":"p-below","enabled":false}}

{"group":{"id":"g","name":"crew"}}
{"user":{"id":"ada","name":"ada","domain_id":"default","email":"ada@example.org","password_hash":"HASH"}}
{"user":{"id":"bob","name":"bob","password_expires_at":null}}
{"membership":{"group_id":"g","user_id":"bob"}}
{"assignment":{"role_id":"r-member","user_id":"ada","project_id":"p-top"}}
{"assignment":{"role_id":"r-reader","user_id":"ada","project_id":"p-top"}}
{"assignment":{"role_id":"r-member","user_id":"ada","domain_id":"default","inherited":true}}
{"assignment":{"role_id":"r-reader","group_id":"g","project_id":"p-top"}}
{"assignment":{"role_id":"r-reader","group_id":"g","domain_id":"default","inherited":true}}
{"assignment":{"role_id":"r-member","group_id":"g","system":true}}
`, "HASH", hash)

func (b *bench) effective(userID string, on store.Target) []string {
	b.t.Helper()
	rs := b.rs()
	var names []string
	err := rs.Settle(b.t.Context(), func() error {
		names = nil
		u, err := directory.FindUser(rs, userID)
		if err != nil {
			return err
		}
		ids, err := b.registry.Effective(rs, u, on)
		names = ids
		return err
	})
	require.NoError(b.t, err)
	return names
}

func TestImport(t *testing.T) {
	b := newTorn(t)
	before := time.Now().UnixMicro()
	counts, refused := b.run(small)
	require.Empty(t, refused)
	require.Equal(t, bulk.Counts{Lines: 19, Made: 18}, counts)

	t.Run("everything is as if it had been made one by one", func(t *testing.T) {
		require.Equal(t, []string{"r-member", "r-reader"}, b.effective("ada", store.OnProject("p-top")))
		require.Equal(t, []string{"r-reader"}, b.effective("bob", store.OnProject("p-top")))
		require.Equal(t, []string{"r-member", "r-reader"}, b.effective("bob", store.OnSystem()))
		require.Equal(t, []string{"r-member", "r-reader"}, b.effective("ada", store.OnProject("p-lowest")))
		rs := b.rs()
		err := rs.Settle(t.Context(), func() error {
			u, err := directory.FindUser(rs, "ada")
			if err != nil {
				return err
			}
			require.Greater(t, u.Epoch, before, "epochs start at the time of creation")
			require.JSONEq(t, `{"email":"ada@example.org"}`, string(u.Extra))
			stored, err := directory.PasswordHash(rs, "ada")
			if err != nil {
				return err
			}
			require.Equal(t, hash, stored)
			p, err := directory.FindProject(rs, "p-lowest")
			if err != nil {
				return err
			}
			require.Equal(t, []string{"p-top", "p-below"}, p.Ancestors)
			return nil
		})
		require.NoError(t, err)
		require.True(t, problem.Is(b.DeleteProject(t.Context(), b.rs(), "p-top"), problem.KindForbidden), "it counts its children")
		found, err := b.Assignments(t.Context(), b.rs(), directory.AssignmentFilter{})
		require.NoError(t, err)
		require.Len(t, found.List, 6)
		members, err := b.Members(t.Context(), "g")
		require.NoError(t, err)
		require.Len(t, members, 1)
	})
	t.Run("again changes nothing", func(t *testing.T) {
		counts, refused := b.run(small)
		require.Empty(t, refused)
		require.Equal(t, bulk.Counts{Lines: 19, Present: 18}, counts)
	})
	t.Run("a bootstrap after it takes the roles and domain that came", func(t *testing.T) {
		_, err := b.Bootstrap(t.Context(), directory.BootstrapOptions{AdminPassword: secret.New("p"), PublicURL: "https://id.example/v3"})
		require.NoError(t, err)
		counts, refused := b.run(small)
		require.Empty(t, refused)
		require.EqualValues(t, 18, counts.Present)
	})
}

// TestRefusals: what is refused says why, and what stands beside it is taken.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ line, why string }{
		"not JSON":                           {`{"user":`, "one JSON object"},
		"not an object":                      {`[1]`, "the line"},
		"nothing known":                      {`{"person":{"id":"x"}}`, "only members that are known"},
		"two things":                         {`{"user":{"id":"x","name":"x"},"group":{"id":"x","name":"x"}}`, "one member"},
		"no id":                              {`{"user":{"name":"x"}}`, "user.id"},
		"an id with a meaning in keys":       {`{"user":{"id":"a#b","name":"x"}}`, "user.id"},
		"no name":                            {`{"user":{"id":"x","name":" "}}`, "user.name"},
		"a project's name too long":          {`{"project":{"id":"x","name":"` + strings.Repeat("x", 65) + `"}}`, "project.name"},
		"a password in the clear":            {`{"user":{"id":"x","name":"x","password":"p"}}`, "user.password"},
		"a hash of no kind":                  {`{"user":{"id":"x","name":"x","password_hash":"$1$x$y"}}`, "user.password_hash"},
		"an option of no kind":               {`{"user":{"id":"x","name":"x","options":{"fly":true}}}`, "user.options.fly"},
		"a wrong type":                       {`{"user":{"id":"x","name":"x","enabled":"yes"}}`, "enabled"},
		"a name that is taken":               {`{"user":{"id":"x","name":"ada"}}`, "the name ada is taken"},
		"an id with other content":           {`{"user":{"id":"ada","name":"ada","enabled":false}}`, "another [enabled further attributes]"},
		"a project with other content":       {`{"project":{"id":"p-top","name":"tip"}}`, "another [name tags]"},
		"a domain with other content":        {`{"domain":{"id":"off","name":"Off"}}`, "another [enabled]"},
		"a role with other content":          {`{"role":{"id":"r-reader","name":"reader"}}`, "another [options]"},
		"a group with other content":         {`{"group":{"id":"g","name":"crew","description":"x"}}`, "another [description]"},
		"an unknown domain":                  {`{"user":{"id":"x","name":"x","domain_id":"nowhere"}}`, "Could not find domain: nowhere"},
		"an unknown parent":                  {`{"project":{"id":"x","name":"x","parent_id":"nowhere"}}`, "project.parent_id"},
		"an enabled one below a disabled":    {`{"project":{"id":"x","name":"x","parent_id":"p-below"}}`, "is disabled"},
		"a project that acts as a domain":    {`{"project":{"id":"x","name":"x","is_domain":true}}`, "project.is_domain"},
		"an unknown member":                  {`{"membership":{"group_id":"g","user_id":"nobody"}}`, "Could not find user: nobody"},
		"an unknown implied role":            {`{"implication":{"prior_role_id":"r-member","implied_role_id":"none"}}`, "Could not find role: none"},
		"an unknown role":                    {`{"assignment":{"role_id":"none","user_id":"ada","project_id":"p-top"}}`, "Could not find role: none"},
		"an unknown project":                 {`{"assignment":{"role_id":"r-member","user_id":"ada","project_id":"none"}}`, "Could not find project: none"},
		"nobody":                             {`{"assignment":{"role_id":"r-member","project_id":"p-top"}}`, "user_id or group_id"},
		"two targets":                        {`{"assignment":{"role_id":"r-member","user_id":"ada","project_id":"p-top","system":true}}`, "one of project_id"},
		"inherited from the system":          {`{"assignment":{"role_id":"r-member","user_id":"ada","system":true,"inherited":true}}`, "inherited"},
		"a member that assignments have not": {`{"assignment":{"role_id":"r-member","user_id":"ada","project_id":"p-top","until":"x"}}`, "only members that are known"},
		"a line that is too long":            {`{"user":{"id":"x","name":"x","note":"` + strings.Repeat("x", bulk.MaxLine) + `"}}`, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.run(small)
			counts, refused := b.run(`{"user":{"id":"first","name":"first"}}` + "\n" + c.line + "\n" + `{"user":{"id":"last","name":"last"}}`)
			require.Len(t, refused, 1)
			require.Contains(t, refused[2], c.why)
			require.Equal(t, bulk.Counts{Lines: 3, Made: 2, Refused: 1}, counts)
		})
	}
}

// TestIDsOfTheDead: what stood on something that was deleted must not wake up in what is
// imported under its id.
func TestIDsOfTheDead(t *testing.T) {
	b := newBench(t)
	b.run(small)
	require.NoError(t, b.DeleteUser(t.Context(), b.rs(), "ada"))
	require.NoError(t, b.DeleteGroup(t.Context(), b.rs(), "g"))
	require.NoError(t, b.DeleteRole(t.Context(), b.rs(), "r-member"))
	require.NoError(t, b.DeleteDomain(t.Context(), b.rs(), "off"))
	counts, refused := b.run(small)
	require.EqualValues(t, counts.Refused, len(refused))
	require.Contains(t, refused[2], "the id off is taken")
	require.Contains(t, refused[4], "belonged to one that was deleted")
	require.Contains(t, refused[10], "belonged to one that was deleted")
	require.Contains(t, refused[11], "belonged to one that was deleted")

	at := ""
	for {
		changes, err := b.log.Changes(t.Context(), at, 1000)
		require.NoError(t, err)
		if len(changes) == 0 {
			break
		}
		for _, c := range changes {
			require.NoError(t, b.Sweep(t.Context(), c))
			at = c.Position
		}
	}
	_, refused = b.run(small)
	require.NotContains(t, refused, int64(2), "swept, the id is free")
	require.NotContains(t, refused, int64(10))
	require.NotContains(t, refused, int64(11))
	require.Contains(t, refused[4], "belonged to one that was deleted", "grants may name a role for ever")
	require.Equal(t, []string{"r-reader"}, b.effective("ada", store.OnProject("p-top")))
}

// many is a file of users with ten assignments each.
func many(users, projects int) string {
	var f bytes.Buffer
	_ = bulk.Generate(&f, users, projects, 10) // a buffer takes everything
	return f.String()
}

// TestManyLines: an import that is broken off again and again loses nothing and does
// nothing twice.
func TestManyLines(t *testing.T) {
	const users, projects = 1000, 50
	text := many(users, projects)
	b := newBench(t)
	var counts bulk.Counts
	refused := map[int64]string{}
	runs := 0
	for {
		runs++
		require.Less(t, runs, 100)
		ctx, cancel := context.WithCancel(t.Context())
		c, r, err := b.try(ctx, text, func(c bulk.Counts) {
			if c.Lines-c.Resumed > 3000 {
				cancel()
			}
		})
		cancel()
		for line, why := range r {
			refused[line] = why
		}
		if err == nil {
			counts = c
			break
		}
		require.True(t, errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable), "%v", err)
		require.Greater(t, c.Lines, c.Resumed, "each run gets on")
	}
	require.Greater(t, runs, 2)
	require.Empty(t, refused)
	require.EqualValues(t, strings.Count(text, "\n"), counts.Lines)
	require.Equal(t, counts.Lines, counts.Made+counts.Present)
	found, err := b.Assignments(t.Context(), b.rs(), directory.AssignmentFilter{})
	require.NoError(t, err)
	require.Len(t, found.List, users*10)
	list, more, err := b.Users(t.Context(), directory.Page{Limit: 2000}, func(directory.User) bool { return true })
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, list, users)

	counts, refused = b.run(text)
	require.Empty(t, refused)
	require.Equal(t, counts.Lines, counts.Present, "everything is there")
}

// TestAtOnce: two imports of one file do not disturb each other.
func TestAtOnce(t *testing.T) {
	text := many(200, 20)
	b := newTorn(t)
	errs := make(chan error, 2)
	made := make(chan int64, 2)
	for range 2 {
		go func() {
			f := strings.NewReader(text)
			survey, err := bulk.Look(f)
			if err == nil {
				var c bulk.Counts
				c, err = bulk.Import(t.Context(), f, survey, bulk.Options{Directory: b.Directory, Table: b.table, Refuse: func(r bulk.Refusal) error { return r.Why }})
				made <- c.Made
			}
			errs <- err
		}()
	}
	require.NoError(t, <-errs)
	require.NoError(t, <-errs)
	require.EqualValues(t, strings.Count(text, "\n"), <-made+<-made)
}
