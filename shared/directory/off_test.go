package directory_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// TestDomainsDisabledBeyondTheBoundOfTheHead: disabling is never refused, the head stays
// small, and each domain is as dead or alive as its item says.
func TestDomainsDisabledBeyondTheBoundOfTheHead(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	live := func(id string) error {
		rs := b.rs()
		return rs.Settle(ctx, func() error { return directory.CheckDomain(rs, id) })
	}
	enable := func(id string, enabled bool) {
		t.Helper()
		_, err := b.UpdateDomain(ctx, b.rs(), id, func(d *directory.Domain) error { d.Enabled = enabled; return nil })
		require.NoError(t, err)
	}
	ids := make([]string, directory.MaxOff+5)
	for n := range ids {
		d, err := b.CreateDomain(ctx, b.rs(), directory.Domain{Name: fmt.Sprint("d", n), Enabled: true})
		require.NoError(t, err)
		ids[n] = d.ID
	}
	last := ids[len(ids)-1]
	u, err := b.CreateUser(ctx, b.rs(), directory.User{Name: "ada", DomainID: last, Enabled: true}, nil)
	require.NoError(t, err)
	for n, id := range ids {
		require.NoError(t, live(id))
		enable(id, false)
		require.ErrorContains(t, live(id), "is disabled", "domain %d", n)
	}
	born, err := b.CreateDomain(ctx, b.rs(), directory.Domain{Name: "born disabled"})
	require.NoError(t, err)
	for _, id := range append(ids, born.ID) {
		require.ErrorContains(t, live(id), "is disabled")
	}
	require.NoError(t, live(directory.DefaultDomain))
	require.Len(t, b.head().Off, directory.MaxOff)

	for _, id := range []string{ids[0], ids[len(ids)-2]} { // named by the head, and not
		enable(id, true)
		require.NoError(t, live(id))
		enable(id, false)
		require.ErrorContains(t, live(id), "is disabled")
	}

	require.NoError(t, b.DeleteDomain(ctx, b.rs(), last))
	require.ErrorContains(t, live(last), "is gone")
	_, err = b.find(u.ID)
	requireKind(t, problem.KindNotFound, err)
	_, err = b.CreateDomain(ctx, b.rs(), directory.Domain{ID: last, Name: "again", Enabled: true})
	requireKind(t, problem.KindConflict, err) // while something of it is left
	b.sweep()
	require.Zero(t, b.entries(store.Range{PK: store.User(u.ID).PK}))
	_, err = b.CreateDomain(ctx, b.rs(), directory.Domain{ID: last, Name: "again", Enabled: true})
	require.NoError(t, err)
	require.NoError(t, live(last))
}
