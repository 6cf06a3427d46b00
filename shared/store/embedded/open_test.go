package embedded_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

const pageSize = 4096

// filled is the path of a closed table with some hundred items, and the items.
func filled(t *testing.T) (string, store.Items) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "folder", "table.db")
	table, err := embedded.Open(embedded.Options{Path: path})
	require.NoError(t, err)
	var keys []store.Key
	for start := range 30 {
		var m []store.Mutation
		for n := 10 * start; n < 10*start+10; n++ {
			k := store.Project(fmt.Sprintf("%032d", n))
			keys = append(keys, k)
			m = append(m, store.Create(k, store.Item{
				"name": fmt.Sprintf("needle-%d", n), store.AttrIndex1: "USER#1", store.AttrAudit: "a", store.AttrTTL: int64(4102444800),
			}))
		}
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m...))
	}
	items := readAll(t, table, keys)
	require.Len(t, items, len(keys))
	require.NoError(t, table.Close())
	return path, items
}

func readAll(t *testing.T, table store.Table, keys []store.Key) store.Items {
	t.Helper()
	got := store.Items{}
	for start := 0; start < len(keys); start += store.MaxReadKeys {
		items, err := table.Read(t.Context(), keys[start:min(start+store.MaxReadKeys, len(keys))]...)
		require.NoError(t, err)
		for k, item := range items {
			got[k] = item
		}
	}
	return got
}

func TestOpenAgain(t *testing.T) {
	path, items := filled(t)
	for range 3 {
		table, err := embedded.Open(embedded.Options{Path: path})
		require.NoError(t, err)
		var keys []store.Key
		for k := range items {
			keys = append(keys, k)
		}
		require.Equal(t, items, readAll(t, table, keys))
		require.NoError(t, table.Close())
		require.NoError(t, table.Close(), "closing twice")
		_, err = table.Read(t.Context(), keys[0])
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, table.Write(t.Context(), store.NewRequestID(), store.Delete(keys[0])), store.ErrUnavailable)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing is left beside the file")
}

func TestOpenLocked(t *testing.T) {
	path, _ := filled(t)
	first, err := embedded.Open(embedded.Options{Path: path})
	require.NoError(t, err)
	began := time.Now()
	_, err = embedded.Open(embedded.Options{Path: path})
	require.ErrorIs(t, err, embedded.ErrLocked)
	require.Less(t, time.Since(began), 2*time.Second)
	require.NoError(t, first.Close())
	second, err := embedded.Open(embedded.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestOpenImpossible(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	_, err := embedded.Open(embedded.Options{Path: filepath.Join(file, "table.db")})
	require.ErrorContains(t, err, "not a directory")
	require.NotErrorIs(t, err, embedded.ErrDamaged)
	_, err = embedded.Open(embedded.Options{Path: dir})
	require.ErrorContains(t, err, "is a directory")
}

func TestOpenOtherFormat(t *testing.T) {
	path, _ := filled(t)
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("mandate-table/1"))
	}))
	require.NoError(t, db.Close())
	requireUntouched(t, path, func() {
		_, err = embedded.Open(embedded.Options{Path: path})
		require.ErrorIs(t, err, embedded.ErrFormat)
		require.ErrorContains(t, err, "mandate-table/1")
	})

	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err = bbolt.Open(foreign, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	requireUntouched(t, foreign, func() {
		_, err = embedded.Open(embedded.Options{Path: foreign})
		require.ErrorIs(t, err, embedded.ErrFormat)
	})
}

func requireUntouched(t *testing.T, path string, f func()) {
	t.Helper()
	before, err := os.ReadFile(path) //nolint:gosec // G304: a test's own file
	require.NoError(t, err)
	f()
	after, err := os.ReadFile(path) //nolint:gosec // G304: a test's own file
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "a file that cannot be used is left as it is")
}

func TestOpenDamaged(t *testing.T) {
	path, items := filled(t)
	good, err := os.ReadFile(path) //nolint:gosec // G304: a test's own file
	require.NoError(t, err)
	at := func(what string) int { i := bytes.Index(good, []byte(what)); require.Positive(t, i); return i }
	used := bytes.LastIndexFunc(good, func(r rune) bool { return r != 0 })
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"another file", func([]byte) []byte { return []byte("not a table\n") }},
		{"long other file", func([]byte) []byte { return bytes.Repeat([]byte("not a table\n"), 10_000) }},
		{"first page only", func(b []byte) []byte { return b[:pageSize] }},
		{"cut in the middle", func(b []byte) []byte { return b[:used/2] }},
		{"last page missing", func(b []byte) []byte { return b[:used/pageSize*pageSize] }},
		{"both metas overwritten", func(b []byte) []byte { copy(b, make([]byte, 2*pageSize)); return b }},
		{"one meta overwritten", func(b []byte) []byte { copy(b[pageSize:], make([]byte, pageSize)); return b }},
		{"a byte of an item changed", func(b []byte) []byte { b[at("needle-7")] ^= 1; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "table.db")
			require.NoError(t, os.WriteFile(damaged, c.damage(bytes.Clone(good)), 0o600))
			requireUntouched(t, damaged, func() {
				_, err := embedded.Open(embedded.Options{Path: damaged})
				require.ErrorIs(t, err, embedded.ErrDamaged)
				require.ErrorContains(t, err, damaged)
			})
		})
	}

	// Whichever page is lost: either it is noticed, or it held nothing that counts.
	t.Run("any page overwritten", func(t *testing.T) {
		var keys []store.Key
		for k := range items {
			keys = append(keys, k)
		}
		end := used/pageSize*pageSize + pageSize
		noticed := 0
		for at := 0; at < end; at += pageSize {
			for _, fill := range []byte{0, 0xff, 0xa5} {
				damaged := filepath.Join(t.TempDir(), "table.db")
				b := bytes.Clone(good[:end])
				copy(b[at:], bytes.Repeat([]byte{fill}, pageSize))
				require.NoError(t, os.WriteFile(damaged, b, 0o600))
				require.NoError(t, os.Truncate(damaged, int64(len(good))))
				table, err := embedded.Open(embedded.Options{Path: damaged})
				if err != nil {
					require.ErrorIs(t, err, embedded.ErrDamaged)
					noticed++
					continue
				}
				require.True(t, maps.EqualFunc(items, readAll(t, table, keys), func(a, b store.Item) bool { return maps.Equal(a, b) }), "page at %d filled with %x", at, fill)
				require.NoError(t, table.Close())
			}
		}
		t.Logf("%d of %d noticed", noticed, end/pageSize*3)
		require.Positive(t, noticed)
	})
}

func TestMemoryLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	open(t, embedded.Options{})
	files, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, files)
}
