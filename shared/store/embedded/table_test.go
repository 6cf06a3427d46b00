package embedded_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/storetest"
)

func open(t *testing.T, o embedded.Options) *embedded.Table {
	t.Helper()
	table, err := embedded.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func TestTable(t *testing.T) {
	t.Run("in_memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Table { return open(t, embedded.Options{}) })
	})
	t.Run("file", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Table {
			return open(t, embedded.Options{Path: filepath.Join(t.TempDir(), "table.db")})
		})
	})
	t.Run("late_indexes", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Table { return open(t, embedded.Options{IndexDelay: 30 * time.Millisecond}) })
	})
}

func TestLog(t *testing.T) {
	var logged func(t *testing.T, path string) storetest.Logged
	logged = func(t *testing.T, path string) storetest.Logged {
		table := open(t, embedded.Options{Path: path})
		return storetest.Logged{
			Table: table, Log: table,
			Reopen: func() storetest.Logged {
				require.NoError(t, table.Close())
				return logged(t, path)
			},
			Sweep: func(ctx context.Context) error {
				_, err := table.SweepNow(ctx)
				return err
			},
		}
	}
	storetest.RunLog(t, func(t *testing.T) storetest.Logged {
		return logged(t, filepath.Join(t.TempDir(), "table.db"))
	})
}

// TestLogged: what nobody wants is not in the log and wakes nobody, also after the table was
// opened again; positions go on growing over it.
func TestLogged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	open := func() *embedded.Table {
		table, err := embedded.Open(embedded.Options{Path: path, Logged: func(c store.Change) bool {
			return c.Key == store.User("wanted") && c.New.Str("name") != "" || c.Expired || c.Old.Str("name") == "last"
		}})
		require.NoError(t, err)
		return table
	}
	table := open()
	put := func(id string, m store.Mutation) {
		require.NoError(t, table.Write(t.Context(), store.RequestID(id), m))
	}
	sleeps := func(after string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, table.Wait(ctx, after), context.DeadlineExceeded)
	}
	put("1", store.Upsert(store.User("other")).Set("name", "ada"))
	sleeps("")
	put("2", store.Upsert(store.User("wanted")).Set("name", "bob"))
	put("3", store.Upsert(store.User("other")).Set("name", "cem"))
	put("4", store.Upsert(store.User("wanted")).Set("name", "last"))
	put("5", store.Delete(store.User("wanted")))
	put("6", store.Delete(store.User("other")))
	for range 2 {
		changes, err := table.Changes(t.Context(), "", 0)
		require.NoError(t, err)
		var names []string
		for _, c := range changes {
			names = append(names, c.Old.Str("name")+" to "+c.New.Str("name"))
		}
		require.Equal(t, []string{" to bob", "bob to last", "last to "}, names)
		require.True(t, slices.IsSortedFunc(changes, func(a, b store.Change) int { return strings.Compare(a.Position, b.Position) }))
		sleeps(changes[2].Position)
		require.NoError(t, table.Close())
		table = open()
	}
	put("7", store.Upsert(store.User("wanted")).Set("name", "eve"))
	changes, err := table.Changes(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, changes, 4)
	require.Greater(t, changes[3].Position, changes[2].Position)
	require.NoError(t, table.Close())
}
