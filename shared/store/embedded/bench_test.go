package embedded_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

func benchTable(b *testing.B, o embedded.Options) *embedded.Table {
	b.Helper()
	table, err := embedded.Open(o)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, table.Close()) })
	return table
}

// tokenRow is about what a token's row holds.
func tokenRow(n int64) store.Item {
	id := fmt.Sprintf("%032x", n)
	return store.Item{
		store.AttrType: "token", store.AttrAudit: id, "digest": make([]byte, 32), "user_id": id, "scope": "project", "scope_id": id,
		"methods": store.NewSet("password", "token"), "issued_at": int64(1712345678901234), "expires_at": int64(1712345678),
		"epoch": int64(1712345678901234), store.AttrIndex1: store.ByUser(id), store.AttrIndex2: store.ByChain(id), store.AttrTTL: int64(4102444800),
	}
}

// BenchmarkRead reads six items, as a validation does: always the same, or from many more
// than are kept decoded.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name  string
		items int
	}{{"hot", 6}, {"cold", 60_000}} {
		b.Run(c.name, func(b *testing.B) {
			table := benchTable(b, embedded.Options{})
			m := make([]store.Mutation, 0, store.MaxMutations)
			for n := range c.items {
				m = append(m, store.Create(store.User(fmt.Sprintf("%032x", n)), tokenRow(int64(n))))
				if len(m) == cap(m) || n == c.items-1 {
					require.NoError(b, table.Write(b.Context(), store.NewRequestID(), m...))
					m = m[:0]
				}
			}
			keys := make([]store.Key, 6)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range keys {
					n = (n + 7919) % c.items
					keys[i] = store.User(fmt.Sprintf("%032x", (n+i)%c.items))
				}
				if c.items == len(keys) {
					for i := range keys {
						keys[i] = store.User(fmt.Sprintf("%032x", i))
					}
				}
				items, err := table.Read(context.Background(), keys...)
				if err != nil || len(items) != len(keys) {
					b.Fatal(len(items), err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, where := range []string{"file", "memory"} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", where, writers), func(b *testing.B) {
				o := embedded.Options{}
				if where == "file" {
					o.Path = filepath.Join(b.TempDir(), "table.db")
				}
				table := benchTable(b, o)
				var n atomic.Int64
				b.ReportAllocs()
				b.SetParallelism((writers + 1) / 2) // for each of GOMAXPROCS
				write := func() error {
					i := n.Add(1)
					return table.Write(context.Background(), store.NewRequestID(), store.Create(store.Token(fmt.Sprintf("%016x", i*7919)), tokenRow(i)))
				}
				if writers == 1 {
					for b.Loop() {
						require.NoError(b, write())
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := write(); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
