package token

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// numbered is the n-th audit id of those that begin alike.
func numbered(first byte, n int) AuditID {
	a := AuditID{first}
	binary.BigEndian.PutUint32(a[1:], uint32(n)) //nolint:gosec // G115: a few hundred
	return a
}

// listed is a service over a table with one user.
func listed(t *testing.T) (s *Service, user directory.User) {
	t.Helper()
	table := newTable(t)
	registry := directory.NewRegistry(table)
	s = New(Options{Table: table, Registry: registry, Now: time.Now, Settings: Settings{Life: time.Hour}})
	d := directory.New(directory.Options{Table: table, Registry: registry, Now: time.Now})
	domain, err := d.CreateDomain(t.Context(), store.NewReadSet(table), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	user, err = d.CreateUser(t.Context(), store.NewReadSet(table), directory.User{Name: "ada", DomainID: domain.ID, Enabled: true}, nil)
	require.NoError(t, err)
	return s, user
}

func (s *Service) put(t *testing.T, mutations ...store.Mutation) {
	t.Helper()
	for len(mutations) > 0 {
		n := min(len(mutations), store.MaxMutations)
		require.NoError(t, s.table.Write(t.Context(), store.NewRequestID(), mutations[:n]...))
		mutations = mutations[n:]
	}
}

// TestList_pages lists the tokens of a user of whose candidates most ended with a past epoch of
// hers, which the index does not know: a page looks at some hundreds of them and then says
// where to go on.
func TestList_pages(t *testing.T) {
	s, user := listed(t)
	const dead, alive = 450, 45
	var rows []store.Mutation
	var want []AuditID
	for n := range dead + alive {
		r := Row{Audit: numbered(1, n), UserID: user.ID, Scope: Scope{Kind: Unscoped}, Methods: []string{MethodPassword}, ExpiresAt: time.Now().Add(time.Hour)}
		if r.Epoch = user.Epoch - 1; n >= dead {
			r.Epoch = user.Epoch
			want = append(want, r.Audit)
		}
		if n%2 == 0 { // each second one derived from the one before all
			r.Root = numbered(0, 0)
		}
		rows = append(rows, store.Create(store.Token(r.Audit.Hex()), r.item(time.Hour)))
	}
	root := Row{Audit: numbered(0, 0), UserID: "somebody", Scope: Scope{Kind: Unscoped}, Methods: []string{MethodPassword}, ExpiresAt: time.Now().Add(time.Hour)}
	s.put(t, append(rows, store.Create(store.Token(root.Audit.Hex()), root.item(time.Hour)))...)

	page := func(marker string) (live []Token, next string, trips int, err error) {
		rs, l := store.NewReadSet(s.table), ListOf(user.ID, marker, 10)
		err = rs.Settle(t.Context(), func() (err error) { live, next, err = s.List(rs, l); return err })
		return live, next, rs.Trips(), err
	}
	var got []AuditID
	var sizes []int
	for marker := ""; ; {
		live, next, trips, err := page(marker)
		require.NoError(t, err)
		require.LessOrEqual(t, trips, 1+maxLoads, "one for each part of the index, one for all that was in it")
		for _, found := range live {
			got = append(got, found.Audit)
		}
		sizes = append(sizes, len(live))
		if marker = next; marker == "" {
			break
		}
	}
	assert.Equal(t, want, got)
	assert.Equal(t, []int{0, 10, 10, 10, 10, 5}, sizes, "%d candidates at a time", maxLoads*PageSize)

	for _, marker := range []string{"nope", numbered(2, 1).String()} {
		_, _, _, err := page(marker)
		assert.True(t, problem.Is(err, problem.KindNotFound), "C-062 %s: %v", marker, err)
	}
}
