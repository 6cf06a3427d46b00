package meter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/meter"
	"mandate/shared/store/storetest"
)

func open(t *testing.T) *meter.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return meter.New(table)
}

func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Table { return open(t) })
}

func kilobytes(n int) string { return strings.Repeat("x", n*1024-200) } // with key and stamp still below n KB

func TestReadUnits(t *testing.T) {
	table := open(t)
	small, large := store.User("small"), store.User("large")
	require.NoError(t, table.Write(t.Context(), "1", store.Create(small, nil)))
	require.NoError(t, table.Write(t.Context(), "2", store.Create(large, store.Item{"v": kilobytes(9), store.AttrIndex1: "U", store.AttrAudit: "a"})))

	ctx, usage := meter.With(t.Context())
	_, err := table.Read(ctx, small, large, store.User("none"))
	require.NoError(t, err)
	require.Equal(t, meter.Counts{Reads: 1, ReadUnits: 1 + 3 + 1}, usage.Counts())
	_, err = table.Query(ctx, store.Range{PK: large.PK})
	require.NoError(t, err)
	_, err = table.Query(ctx, store.Range{PK: "U", Index: store.Index1})
	require.NoError(t, err)
	_, err = table.Query(ctx, store.Range{PK: "nothing"})
	require.NoError(t, err)
	require.Equal(t, meter.Counts{Reads: 1, Queries: 3, ReadUnits: 5 + 3 + 1.5 + 1}, usage.Counts())
	require.Equal(t, 4, usage.Counts().Trips())
	_, err = table.Read(ctx)
	require.NoError(t, err)
	_, err = table.Query(ctx, store.Range{})
	require.ErrorIs(t, err, store.ErrInvalid)
	require.Equal(t, 4, usage.Counts().Trips(), "what is not sent is not counted")
	require.Equal(t, meter.Counts{Reads: 1, Queries: 3, Writes: 2, ReadUnits: 10.5, WriteUnits: 2 * (1 + 2*9)}, table.Total())
}

func TestWriteUnits(t *testing.T) {
	k, other := store.Token("0123456789abcdef"), store.User("1")
	row := store.Item{store.AttrIndex1: "U", store.AttrIndex2: "C", store.AttrAudit: "a"}
	for _, c := range []struct {
		name   string
		before store.Item // nil: absent
		write  []store.Mutation
		want   float64
	}{
		{"plain item", nil, []store.Mutation{store.Create(k, nil).Lasting()}, 1},
		{"row of a token", nil, []store.Mutation{store.Create(k, row).Lasting()}, 3},
		{"index without a sort key", nil, []store.Mutation{store.Create(k, store.Item{store.AttrIndex1: "U"}).Lasting()}, 1},
		{"two kilobytes", nil, []store.Mutation{store.Create(k, store.Item{"v": kilobytes(2)}).Lasting()}, 2},
		{"update", store.Item{}, []store.Mutation{store.Update(k).Set("a", "b").Lasting()}, 1},
		{"update of a large item", store.Item{"v": kilobytes(5)}, []store.Mutation{store.Update(k).Set("a", "b").Lasting()}, 5},
		{"update that makes it large", store.Item{}, []store.Mutation{store.Update(k).Set("v", kilobytes(5)).Lasting()}, 5},
		{"mark in a row", row, []store.Mutation{store.Update(k).Set("dead", true).Lasting()}, 3},
		{"row moved in an index", row, []store.Mutation{store.Update(k).Set(store.AttrIndex1, "V").Lasting()}, 4},
		{"row out of an index", row, []store.Mutation{store.Update(k).Remove(store.AttrIndex1).Lasting()}, 3},
		{"row into an index", store.Item{store.AttrAudit: "a"}, []store.Mutation{store.Update(k).Set(store.AttrIndex1, "V").Lasting()}, 2},
		{"row moved in both", row, []store.Mutation{store.Update(k).Set(store.AttrAudit, "b").Lasting()}, 5},
		{"row out of both", row, []store.Mutation{store.Update(k).Remove(store.AttrAudit).Lasting()}, 3},
		{"row deleted", row, []store.Mutation{store.Delete(k)}, 2 * 3},
		{"large item deleted", store.Item{"v": kilobytes(5)}, []store.Mutation{store.Delete(k)}, 2 * 5},
		{"what does not last", row, []store.Mutation{store.Update(k).Set("enabled", true)}, 2 * 3},
		{"addition", store.Item{}, []store.Mutation{store.Update(k).Add("n", 1).Lasting()}, 2},
		{"check alone", store.Item{}, []store.Mutation{store.Check(k)}, 2},
		{"transaction", store.Item{}, []store.Mutation{store.Create(other, row), store.Update(k).Add("n", -1)}, 2*3 + 2},
		{"transaction with a check", row, []store.Mutation{store.Create(other, nil), store.Check(k)}, 2 + 2},
		{"refused", store.Item{}, []store.Mutation{store.Create(k, nil).Lasting()}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := open(t)
			if c.before != nil {
				require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(k, c.before)))
			}
			ctx, usage := meter.With(t.Context())
			_, err := table.Read(ctx, k)
			require.NoError(t, err)
			err = table.Write(ctx, store.NewRequestID(), c.write...)
			if _, refused := store.AsRefused(err); !refused {
				require.NoError(t, err)
			}
			require.InDelta(t, c.want, usage.Counts().WriteUnits, 0)
			require.Equal(t, 1, usage.Counts().Writes)
		})
	}
}

func ExampleWith() {
	table, err := embedded.Open(embedded.Options{})
	if err != nil {
		panic(err)
	}
	defer table.Close() //nolint:errcheck // an example
	metered := meter.New(table)
	ctx, usage := meter.With(context.Background())
	_, _ = metered.Read(ctx, store.User("1"), store.Project("2"))
	fmt.Println(usage.Counts().Reads, "read,", usage.Counts().ReadUnits, "units")
	// Output: 1 read, 2 units
}
