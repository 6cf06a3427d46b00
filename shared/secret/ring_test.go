package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

func newRing(t testing.TB) *secret.Ring {
	t.Helper()
	r, err := secret.NewRing()
	require.NoError(t, err)
	return r
}

func seal(t testing.TB, r *secret.Ring, plain, associated string) []byte {
	t.Helper()
	sealed, err := r.Seal([]byte(plain), []byte(associated))
	require.NoError(t, err)
	return sealed
}

func TestRingSealsAndOpens(t *testing.T) {
	r := newRing(t)
	sealed := seal(t, r, "plain", "item key")
	require.Len(t, sealed, len("plain")+secret.SealedOverhead)
	id, ok := secret.KeyID(sealed)
	require.True(t, ok)
	require.Equal(t, r.Primary(), id)
	opened, err := r.Open(sealed, []byte("item key"))
	require.NoError(t, err)
	require.Equal(t, "plain", string(opened))
	require.NotEqual(t, sealed[:secret.SealedHead], seal(t, r, "plain", "item key")[:secret.SealedHead], "heads are one of a kind")

	_, err = r.Open(sealed, []byte("another item key"))
	require.ErrorIs(t, err, secret.ErrNotSealed)
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		_, err := r.Open(broken, []byte("item key"))
		require.Error(t, err, "byte %d changed", i)
		_, err = r.Open(sealed[:i], []byte("item key"))
		require.Error(t, err, "cut at byte %d", i)
	}
	_, err = newRing(t).Open(sealed, []byte("item key"))
	require.ErrorIs(t, err, secret.ErrUnknownKey)
	_, err = r.Open(nil, nil)
	require.ErrorIs(t, err, secret.ErrNotSealed)
}

func TestRingRotation(t *testing.T) {
	first := newRing(t)
	old := seal(t, first, "old", "")

	added, id, err := first.Add()
	require.NoError(t, err)
	require.NotEqual(t, first.Primary(), id)
	require.Equal(t, []uint32{first.Primary()}, first.Keys(), "the ring itself does not change")
	require.Equal(t, []uint32{first.Primary(), id}, added.Keys())
	require.Equal(t, first.Primary(), added.Primary(), "an added key does not seal yet")

	promoted, err := added.Promote(id)
	require.NoError(t, err)
	require.Equal(t, id, promoted.Primary())
	require.Equal(t, first.Primary(), added.Primary())
	fresh := seal(t, promoted, "fresh", "")
	for _, r := range []*secret.Ring{added, promoted} {
		for want, sealed := range map[string][]byte{"old": old, "fresh": fresh} {
			plain, err := r.Open(sealed, nil)
			require.NoError(t, err)
			require.Equal(t, want, string(plain))
		}
	}

	retired, err := promoted.Retire(first.Primary())
	require.NoError(t, err)
	require.Equal(t, []uint32{id}, retired.Keys())
	_, err = retired.Open(old, nil)
	require.ErrorIs(t, err, secret.ErrUnknownKey)
	_, err = retired.Open(fresh, nil)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3, 4}, []int64{first.Version(), added.Version(), promoted.Version(), retired.Version()})

	_, err = retired.Retire(id)
	require.Error(t, err, "the key that seals")
	_, err = retired.Promote(first.Primary())
	require.Error(t, err, "a key that is not there")
}

// TestKeysNeverPrint looks for the key material of a master key in what is printed of it,
// and of a ring, which is built alike.
func TestKeysNeverPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	key, err := secret.OpenMasterKey(path)
	require.NoError(t, err)
	material, err := os.ReadFile(path) //nolint:gosec // G304: a test's own file
	require.NoError(t, err)
	rings := open(t, newTable(t), key)
	raw := material[len(material)-60:] // the key's 32 bytes are somewhere in the last 60

	var b bytes.Buffer
	text, js := slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))
	for _, v := range []any{key, rings, rings.Ring(), struct{ k any }{key}, struct{ r *secret.Ring }{rings.Ring()}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		text.Info("key", "v", v)
		js.Info("key", "v", v)
		if j, err := json.Marshal(v); err == nil {
			b.Write(j)
		}
	}
	for i := range len(raw) - 8 {
		window := raw[i : i+8]
		for _, form := range []string{"%s", "%x", "%v", "%d"} {
			leak := fmt.Sprintf(form, window)
			if form == "%v" || form == "%d" {
				leak = leak[1 : len(leak)-1] // without brackets
			}
			require.NotContains(t, b.String(), leak)
		}
	}
}

func TestMasterKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	key, err := secret.OpenMasterKey(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, left, "nothing else is left there")

	wrapped, err := key.Wrap(t.Context(), []byte("plain"), []byte("purpose"))
	require.NoError(t, err)
	again, err := secret.OpenMasterKey(path)
	require.NoError(t, err)
	plain, err := again.Unwrap(t.Context(), wrapped, []byte("purpose"))
	require.NoError(t, err)
	require.Equal(t, "plain", string(plain))
	_, err = again.Unwrap(t.Context(), wrapped, []byte("another purpose"))
	require.Error(t, err)

	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660, 0o620} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = secret.OpenMasterKey(path)
		require.ErrorContains(t, err, "must be 0600", mode)
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = secret.OpenMasterKey(path)
	require.NoError(t, err, "tighter is fine")

	for name, content := range map[string][]byte{"empty": nil, "garbage": []byte("not a keyset"), "cut": {8, 1}} {
		damaged := filepath.Join(t.TempDir(), "master.key")
		require.NoError(t, os.WriteFile(damaged, content, 0o600))
		_, err = secret.OpenMasterKey(damaged)
		require.ErrorContains(t, err, "damaged", name)
		after, err := os.ReadFile(damaged) //nolint:gosec // G304: a test's own file
		require.NoError(t, err)
		require.Equal(t, string(content), string(after), "a damaged key is not replaced")
	}
	_, err = secret.OpenMasterKey(t.TempDir())
	require.Error(t, err, "a folder")
	_, err = secret.OpenMasterKey(filepath.Join(t.TempDir(), "no", "folder"))
	require.Error(t, err)
}

func TestMasterKeyFileIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	var group sync.WaitGroup
	keys := make([]*secret.MasterKey, 8)
	for i := range keys {
		group.Go(func() {
			key, err := secret.OpenMasterKey(path)
			if err == nil {
				keys[i] = key
			}
		})
	}
	group.Wait()
	wrapped, err := keys[0].Wrap(t.Context(), []byte("plain"), nil)
	require.NoError(t, err)
	for _, key := range keys {
		_, err := key.Unwrap(t.Context(), wrapped, nil)
		require.NoError(t, err)
	}
}

func newTable(t testing.TB) store.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func newKey(t testing.TB) *secret.MasterKey {
	t.Helper()
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	return key
}

func open(t testing.TB, table store.Table, w secret.Wrapper) *secret.Rings {
	t.Helper()
	rings, err := secret.OpenRings(t.Context(), secret.RingsOptions{Table: table, Wrapper: w})
	require.NoError(t, err)
	return rings
}

func TestOpenRingsCreatesOnce(t *testing.T) {
	table, key := newTable(t), newKey(t)
	first := open(t, table, key)
	require.Regexp(t, "^[0-9a-f]{32}$", first.Deployment())
	second := open(t, table, key)
	require.Equal(t, first.Deployment(), second.Deployment())
	plain, err := second.Ring().Open(seal(t, first.Ring(), "plain", ""), nil)
	require.NoError(t, err)
	require.Equal(t, "plain", string(plain))

	_, err = secret.OpenRings(t.Context(), secret.RingsOptions{Table: table, Wrapper: newKey(t)})
	require.ErrorContains(t, err, "is this the key it was wrapped with?")

	items, err := table.Read(t.Context(), store.Keyset())
	require.NoError(t, err)
	require.Equal(t, int64(1), items[store.Keyset()].Int("version"))
	require.Equal(t, "keyset", items[store.Keyset()].Str("type"))
	_, err = insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(items[store.Keyset()].Bytes("wrapped"))))
	require.Error(t, err, "it is not stored in the clear")
}

func TestOpenRingsKeepsKeysetWhenDeploymentChanges(t *testing.T) {
	table, key := newTable(t), newKey(t)
	before := open(t, table, key)
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Delete(store.Deployment())))
	after := open(t, table, key)
	require.NotEqual(t, before.Deployment(), after.Deployment())
	require.Equal(t, before.Ring().Primary(), after.Ring().Primary())
}

// late lets all first reads pass before any write, so that everybody finds nothing.
type late struct {
	store.Table
	read *sync.WaitGroup
	once sync.Once
}

func (l *late) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	items, err := l.Table.Read(ctx, keys...)
	l.once.Do(func() { l.read.Done(); l.read.Wait() })
	return items, err
}

func TestOpenRingsRace(t *testing.T) {
	const starts = 8
	table, key := newTable(t), newKey(t)
	var read, group sync.WaitGroup
	read.Add(starts)
	all := make([]*secret.Rings, starts)
	errs := make([]error, starts)
	for i := range starts {
		group.Go(func() {
			all[i], errs[i] = secret.OpenRings(t.Context(), secret.RingsOptions{Table: &late{Table: table, read: &read}, Wrapper: key})
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, r := range all {
		require.Equal(t, all[0].Deployment(), r.Deployment())
		require.Equal(t, all[0].Ring().Primary(), r.Ring().Primary())
	}
}

// watched counts reads and can make them fail.
type watched struct {
	store.Table
	reads atomic.Int64
	down  atomic.Bool
}

func (w *watched) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	w.reads.Add(1)
	if w.down.Load() {
		return nil, store.ErrUnavailable
	}
	return w.Table.Read(ctx, keys...)
}

func TestRingsReloadForUnknownKeys(t *testing.T) {
	table, key := &watched{Table: newTable(t)}, newKey(t)
	now := time.Unix(1_800_000_000, 0)
	open := func() *secret.Rings {
		r, err := secret.OpenRings(t.Context(), secret.RingsOptions{Table: table, Wrapper: key, Now: func() time.Time { return now }})
		require.NoError(t, err)
		return r
	}
	rotator, instance := open(), open()
	replace := func(ring *secret.Ring) error {
		m, err := rotator.Replacement(t.Context(), ring)
		require.NoError(t, err)
		return table.Write(t.Context(), store.NewRequestID(), m)
	}
	added, id, err := rotator.Ring().Add()
	require.NoError(t, err)
	require.NoError(t, replace(added))
	another, _, err := rotator.Ring().Add()
	require.NoError(t, err)
	_, refused := store.AsRefused(replace(another))
	require.True(t, refused, "another rotation came first")
	promoted, err := added.Promote(id)
	require.NoError(t, err)
	require.NoError(t, replace(promoted))
	sealed := seal(t, promoted, "plain", "")

	now = now.Add(time.Minute)
	_, due, err := instance.For(sealed)
	require.NoError(t, err)
	require.True(t, due)

	table.down.Store(true)
	require.ErrorIs(t, instance.Reload(t.Context()), store.ErrUnavailable)
	_, due, err = instance.For(sealed)
	require.False(t, due)
	require.ErrorIs(t, err, store.ErrUnavailable, "a key that could not be looked up is not unknown")
	require.NotErrorIs(t, err, secret.ErrUnknownKey)
	_, due, err = instance.For(seal(t, rotator.Ring(), "old", ""))
	require.NoError(t, err, "known keys go on working")
	require.False(t, due)

	table.down.Store(false)
	now = now.Add(time.Minute)
	_, due, err = instance.For(sealed)
	require.NoError(t, err)
	require.True(t, due)
	require.NoError(t, instance.Reload(t.Context()))
	got, due, err := instance.For(sealed)
	require.NoError(t, err)
	require.False(t, due)
	require.Equal(t, int64(3), got.Version())
	plain, err := got.Open(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "plain", string(plain))

	// Garbage: one read in five seconds, however much of it there is.
	foreign := newRing(t)
	reads := table.reads.Load()
	for range 1000 {
		now = now.Add(10 * time.Millisecond) // ten seconds in all
		_, due, err := instance.For(seal(t, foreign, "garbage", ""))
		if due {
			require.NoError(t, instance.Reload(t.Context()))
		} else {
			require.ErrorIs(t, err, secret.ErrUnknownKey)
		}
	}
	require.LessOrEqual(t, table.reads.Load()-reads, int64(2))
	now = now.Add(time.Hour)
	_, due, err = instance.For([]byte("no sealed text at all"))
	require.False(t, due, "what has not even the form is not looked up")
	require.ErrorIs(t, err, secret.ErrNotSealed)
}

// slow holds reads until it is told.
type slow struct {
	*watched
	hold chan struct{}
}

func (s *slow) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	<-s.hold
	return s.watched.Read(ctx, keys...)
}

func TestRingsReloadIsShared(t *testing.T) {
	inner, key := newTable(t), newKey(t)
	open(t, inner, key) // what is written is written outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		table := &slow{watched: &watched{Table: inner}, hold: make(chan struct{}, 1)}
		table.hold <- struct{}{}
		rings := open(t, table, key)
		reads := table.reads.Load()

		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				if err := rings.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // one reads, the others wait for it
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, rings.Reload(ctx), context.Canceled, "whoever has no time does not wait")
		close(table.hold)
		group.Wait()
		require.Equal(t, reads+1, table.reads.Load())
	})
}

func BenchmarkRing(b *testing.B) {
	ring := newRing(b)
	plain, associated := make([]byte, 34), []byte("associated")
	sealed, err := ring.Seal(plain, associated)
	require.NoError(b, err)
	b.Run("Seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Seal(plain, associated); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Open(sealed, associated); err != nil {
				b.Fatal(err)
			}
		}
	})
}
