package embedded_test

import (
	"context"
	"path/filepath"
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
