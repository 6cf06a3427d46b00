package token

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// TestRevoked_pages lists what was revoked behind many entries that the table has yet to
// take away.
func TestRevoked_pages(t *testing.T) {
	s, _ := listed(t)
	now := time.Now().UTC().Truncate(time.Second)
	var write []store.Mutation
	var want []AuditID
	for n := range 40 {
		r := Row{Audit: numbered(1, n), UserID: "ada", Scope: Scope{Kind: Unscoped}, Methods: []string{MethodPassword}, ExpiresAt: now.Add(-time.Second)}
		if n >= 33 {
			r.ExpiresAt = now.Add(time.Hour)
			want = append(want, r.Audit)
		}
		i := r.item(time.Hour)
		i[AttrDead], i[AttrRevokedAt] = true, now.Add(-time.Duration(n)*time.Second).UnixMicro()
		write = append(write, store.Create(store.Token(r.Audit.Hex()), i))
		s.put(t, revokedFrom(r, i).Entry())
	}
	s.put(t, write...)
	page := func(marker string) (list []Revoked, next string, err error) {
		rs, l := store.NewReadSet(s.table), ListRevoked(marker, 3)
		err = rs.Settle(t.Context(), func() (err error) { list, next, err = s.Revoked(rs, l); return err })
		return list, next, err
	}
	var got []AuditID
	var sizes []int
	for marker := ""; ; {
		list, next, err := page(marker)
		require.NoError(t, err)
		for _, found := range list {
			got = append(got, found.Audit)
		}
		sizes = append(sizes, len(list))
		if marker = next; marker == "" {
			break
		}
	}
	assert.Equal(t, want, got, "newest first")
	assert.Equal(t, []int{3, 3, 1}, sizes)
	for _, marker := range []string{"nope", numbered(2, 1).String(), neighbour(numbered(1, 35)).String()} {
		_, _, err := page(marker)
		assert.True(t, problem.Is(err, problem.KindNotFound), "C-062 %s: %v", marker, err)
	}
}

// TestRevoked_lastPage has exactly as many as a page: there is no other.
func TestRevoked_lastPage(t *testing.T) {
	s, _ := listed(t)
	for n := range 3 {
		s.put(t, Revoked{Audit: numbered(1, n), At: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}.Entry())
	}
	rs, l := store.NewReadSet(s.table), ListRevoked("", 3)
	var list []Revoked
	var next string
	require.NoError(t, rs.Settle(t.Context(), func() (err error) { list, next, err = s.Revoked(rs, l); return err }))
	assert.Len(t, list, 3)
	assert.Empty(t, next)
}
