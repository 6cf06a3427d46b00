package storetest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// sample has an attribute of each type.
func sample() store.Item {
	return store.Item{
		"text": "x", "empty": "", "number": int64(5), "flag": true, "off": false,
		"bytes": []byte{1, 0, 255}, "set": store.NewSet("a", "b"),
	}
}

// testConditions tries every test of a condition on every kind of mutation, on an item
// that is there and on one that is not.
func testConditions(t *testing.T, table store.Table) {
	conditions := []struct {
		name             string
		c                store.Condition
		onItem, onAbsent bool // whether it holds
	}{
		{"equal text", store.Equals("text", "x"), true, false},
		{"other text", store.Equals("text", "y"), false, false},
		{"equal empty text", store.Equals("empty", ""), true, false},
		{"empty text where there is nothing", store.Equals("none", ""), false, false},
		{"equal number", store.Equals("number", int64(5)), true, false},
		{"other number", store.Equals("number", int64(6)), false, false},
		{"number as text", store.Equals("number", "5"), false, false},
		{"equal true", store.Equals("flag", true), true, false},
		{"equal false", store.Equals("off", false), true, false},
		{"false where there is nothing", store.Equals("none", false), false, false},
		{"equal bytes", store.Equals("bytes", []byte{1, 0, 255}), true, false},
		{"other bytes", store.Equals("bytes", []byte{1, 0}), false, false},
		{"bytes for a text", store.Equals("text", []byte("x")), false, false},
		{"equal set", store.Equals("set", store.NewSet("b", "a")), true, false},
		{"smaller set", store.Equals("set", store.NewSet("a")), false, false},
		{"text for a set", store.Equals("set", "a"), false, false},
		{"absent", store.Absent("none"), true, true},
		{"absent but there", store.Absent("text"), false, true},
		{"absent but empty", store.Absent("empty"), false, true},
		{"at least, exactly", store.AtLeast("number", 5), true, false},
		{"at least less", store.AtLeast("number", -5), true, false},
		{"at least more", store.AtLeast("number", 6), false, false},
		{"at least of nothing", store.AtLeast("none", -1), false, false},
		{"at least of a text", store.AtLeast("text", 0), false, false},
		{"contains", store.Contains("set", "a"), true, false},
		{"contains not", store.Contains("set", "c"), false, false},
		{"contains in nothing", store.Contains("none", "a"), false, false},
		{"lacks", store.Lacks("set", "c"), true, true},
		{"lacks not", store.Lacks("set", "b"), false, true},
		{"part of a text", store.Contains("text", "x"), false, false},
		{"lacks part of a text", store.Lacks("text", "x"), true, true},
		{"lacks in nothing", store.Lacks("none", "a"), true, true},
	}
	kinds := []struct {
		name    string
		present bool // whether the item is there before
		make    func(store.Key) store.Mutation
		after   func() store.Item // what is there when it went through
	}{
		{"create", false, func(k store.Key) store.Mutation { return store.Create(k, store.Item{"new": "1"}) },
			func() store.Item { return store.Item{"new": "1"} }},
		{"update", true, func(k store.Key) store.Mutation { return store.Update(k).Set("new", "1") },
			func() store.Item { i := sample(); i["new"] = "1"; return i }},
		{"upsert there", true, func(k store.Key) store.Mutation { return store.Upsert(k).Set("new", "1") },
			func() store.Item { i := sample(); i["new"] = "1"; return i }},
		{"upsert absent", false, func(k store.Key) store.Mutation { return store.Upsert(k).Set("new", "1") },
			func() store.Item { return store.Item{"new": "1"} }},
		{"delete", true, store.Delete, nil},
		{"check", true, store.Check, sample},
	}
	for _, kind := range kinds {
		for _, c := range conditions {
			t.Run(kind.name+"/"+c.name, func(t *testing.T) {
				k := key()
				var before store.Item
				if kind.present {
					before = stamped(sample(), write(t, table, store.Create(k, sample())))
				}
				id := store.NewRequestID()
				err := settle(table, id, kind.make(k).Where(c.c))
				if holds := kind.present && c.onItem || !kind.present && c.onAbsent; !holds {
					requireRefused(t, err, 0, k, before)
					assert.Equal(t, before, stored(t, table, k))
					return
				}
				require.NoError(t, err)
				switch kind.name {
				case "delete":
					assert.Nil(t, stored(t, table, k))
				case "check":
					assert.Equal(t, before, stored(t, table, k), "a check changes nothing")
				default:
					assert.Equal(t, stamped(kind.after(), id), stored(t, table, k))
				}
			})
		}
	}

	t.Run("expectations", func(t *testing.T) {
		k := key()
		for _, m := range []store.Mutation{store.Update(k).Set("a", "b"), store.Delete(k), store.Check(k), store.Check(k).Where(store.Absent("a"))} {
			requireRefused(t, settle(table, store.NewRequestID(), m), 0, k, nil)
			require.Nil(t, stored(t, table, k))
		}
		there := stamped(sample(), write(t, table, store.Create(k, sample())))
		requireRefused(t, settle(table, store.NewRequestID(), store.Create(k, store.Item{"a": "b"})), 0, k, there)
		require.Equal(t, there, stored(t, table, k))
	})
	t.Run("all conditions must hold", func(t *testing.T) {
		k := key()
		there := stamped(sample(), write(t, table, store.Create(k, sample())))
		err := settle(table, store.NewRequestID(), store.Update(k).Add("number", 1).Where(store.Equals("text", "x"), store.Contains("set", "c")))
		requireRefused(t, err, 0, k, there)
		write(t, table, store.Update(k).Add("number", 1).Where(store.Equals("text", "x"), store.Contains("set", "a"), store.AtLeast("number", 5)))
		require.Equal(t, int64(6), stored(t, table, k).Int("number"))
	})
	t.Run("conditions see the item before the change", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, store.Item{"n": int64(1)}))
		write(t, table, store.Update(k).Add("n", -1).Where(store.AtLeast("n", 1)))
		require.Equal(t, int64(0), stored(t, table, k).Int("n"))
	})
}

func testChanges(t *testing.T, table store.Table) {
	type edit func(store.Mutation) store.Mutation
	for _, c := range []struct {
		name   string
		before store.Item // nil: absent, so that only an upsert applies
		edit   edit
		after  store.Item
	}{
		{"set new", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Set("b", int64(2)) }, store.Item{"a": "1", "b": int64(2)}},
		{"set over another type", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Set("a", store.NewSet("x")) }, store.Item{"a": store.NewSet("x")}},
		{"set to the empty text", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Set("a", "") }, store.Item{"a": ""}},
		{"set to nil removes", store.Item{"a": "1", "b": "2"}, func(m store.Mutation) store.Mutation { return m.Set("a", nil) }, store.Item{"b": "2"}},
		{"set to the empty set removes", store.Item{"a": "1", "b": "2"}, func(m store.Mutation) store.Mutation { return m.Set("a", store.Set{}) }, store.Item{"b": "2"}},
		{"remove", store.Item{"a": "1", "b": "2"}, func(m store.Mutation) store.Mutation { return m.Remove("a") }, store.Item{"b": "2"}},
		{"remove what is not there", store.Item{"b": "2"}, func(m store.Mutation) store.Mutation { return m.Remove("a") }, store.Item{"b": "2"}},
		{"add", store.Item{"n": int64(40)}, func(m store.Mutation) store.Mutation { return m.Add("n", 2) }, store.Item{"n": int64(42)}},
		{"add below zero", store.Item{"n": int64(1)}, func(m store.Mutation) store.Mutation { return m.Add("n", -3) }, store.Item{"n": int64(-2)}},
		{"add to nothing", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Add("n", -3) }, store.Item{"a": "1", "n": int64(-3)}},
		{"add nothing to nothing", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Add("n", 0) }, store.Item{"a": "1", "n": int64(0)}},
		{"insert", store.Item{"s": store.NewSet("a", "c")}, func(m store.Mutation) store.Mutation { return m.Insert("s", "b", "c") }, store.Item{"s": store.NewSet("a", "b", "c")}},
		{"insert into nothing", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Insert("s", "b", "a", "b") }, store.Item{"a": "1", "s": store.NewSet("a", "b")}},
		{"take", store.Item{"s": store.NewSet("a", "b", "c")}, func(m store.Mutation) store.Mutation { return m.Take("s", "b", "x") }, store.Item{"s": store.NewSet("a", "c")}},
		{"take the last", store.Item{"a": "1", "s": store.NewSet("b")}, func(m store.Mutation) store.Mutation { return m.Take("s", "b") }, store.Item{"a": "1"}},
		{"take from nothing", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m.Take("s", "b") }, store.Item{"a": "1"}},
		{"take the last attribute", store.Item{"s": store.NewSet("b")}, func(m store.Mutation) store.Mutation { return m.Take("s", "b") }, store.Item{}},
		{"no change", store.Item{"a": "1"}, func(m store.Mutation) store.Mutation { return m }, store.Item{"a": "1"}},
		{"several at once", store.Item{"a": "1", "n": int64(1), "s": store.NewSet("x"), "gone": true}, func(m store.Mutation) store.Mutation {
			return m.Set("a", "2").Add("n", 1).Insert("s", "y").Remove("gone").Insert("new", "z").Take("none", "z")
		}, store.Item{"a": "2", "n": int64(2), "s": store.NewSet("x", "y"), "new": store.NewSet("z")}},
		{"upsert absent", nil, func(m store.Mutation) store.Mutation { return m.Set("a", "1").Add("n", 7).Insert("s", "x").Remove("r") }, store.Item{"a": "1", "n": int64(7), "s": store.NewSet("x")}},
		{"upsert absent with nothing", nil, func(m store.Mutation) store.Mutation { return m }, store.Item{}},
	} {
		starts := map[string]func(store.Key) store.Mutation{"upsert": store.Upsert}
		if c.before != nil {
			starts["update"] = store.Update
		}
		for kind, start := range starts {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				k := key()
				if c.before != nil {
					write(t, table, store.Create(k, c.before))
				}
				id := write(t, table, c.edit(start(k)))
				require.Equal(t, stamped(c.after, id), stored(t, table, k))
			})
		}
	}

	for _, c := range []struct {
		name string
		edit edit
	}{
		{"add to a text", func(m store.Mutation) store.Mutation { return m.Add("text", 1) }},
		{"add to a set", func(m store.Mutation) store.Mutation { return m.Add("set", 1) }},
		{"insert into a text", func(m store.Mutation) store.Mutation { return m.Insert("text", "a") }},
		{"take from a number", func(m store.Mutation) store.Mutation { return m.Take("number", "a") }},
		{"two changes of one attribute", func(m store.Mutation) store.Mutation { return m.Set("number", int64(1)).Add("number", 1) }},
	} {
		t.Run("invalid/"+c.name, func(t *testing.T) {
			k := key()
			there := stamped(sample(), write(t, table, store.Create(k, sample())))
			require.ErrorIs(t, settle(table, store.NewRequestID(), c.edit(store.Update(k))), store.ErrInvalid)
			require.Equal(t, there, stored(t, table, k))
		})
	}
}

// testValues keeps values of every type and finds them again as they were.
func testValues(t *testing.T, table store.Table) {
	big := int64(1)<<53 + 1 // the first that a float64 cannot hold
	for _, c := range []struct {
		name  string
		value store.Value
	}{
		{"empty text", ""}, {"text", "text"}, {"text beyond ASCII", "Größe 東京 🦉"}, {"text with a zero byte", "a\x00b"},
		{"zero", int64(0)}, {"negative", int64(-42)}, {"2^53+1", big}, {"-2^53-1", -big},
		{"largest", int64(math.MaxInt64)}, {"smallest", int64(math.MinInt64)}, {"trailing zeros", int64(1_000_000)},
		{"true", true}, {"false", false},
		{"empty bytes", []byte{}}, {"bytes", []byte{0, 1, 2, 255}},
		{"set of one", store.NewSet("x")}, {"set", store.NewSet("b", "a", "ä", "Z")}, {"set with the empty text", store.NewSet("", "a")},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := key()
			id := write(t, table, store.Create(k, store.Item{"v": c.value}))
			require.Equal(t, stamped(store.Item{"v": c.value}, id), stored(t, table, k))
			id = write(t, table, store.Update(k).Set("w", c.value).Where(store.Equals("v", c.value)))
			require.Equal(t, stamped(store.Item{"v": c.value, "w": c.value}, id), stored(t, table, k))
		})
	}
	t.Run("large numbers stay exact when added to", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, store.Item{"n": big, "m": int64(math.MaxInt64 - 1)}))
		write(t, table, store.Update(k).Add("n", big).Add("m", 1).Where(store.AtLeast("n", big)))
		require.Equal(t, 2*big, stored(t, table, k).Int("n"))
		require.Equal(t, int64(math.MaxInt64), stored(t, table, k).Int("m"))
		_, refused := store.AsRefused(settle(table, store.NewRequestID(), store.Check(k).Where(store.AtLeast("n", 2*big+1))))
		require.True(t, refused)
	})
	t.Run("nil bytes are empty bytes", func(t *testing.T) {
		k := key()
		id := write(t, table, store.Create(k, store.Item{"v": []byte(nil)}))
		require.Equal(t, stamped(store.Item{"v": []byte{}}, id), stored(t, table, k))
	})
	t.Run("nil and the empty set are absent", func(t *testing.T) {
		k := key()
		id := write(t, table, store.Create(k, store.Item{"a": nil, "b": store.Set{}, "c": store.NewSet()}))
		require.Equal(t, stamped(nil, id), stored(t, table, k))
	})
	t.Run("the caller's item is left alone", func(t *testing.T) {
		k, mine := key(), store.Item{"a": "1", "b": nil}
		write(t, table, store.Create(k, mine))
		require.Equal(t, store.Item{"a": "1", "b": nil}, mine)
	})
}

func testAllOrNothing(t *testing.T, table store.Table) {
	t.Run("all", func(t *testing.T) {
		pk := partition()
		a, b, c, d, e := in(pk, "a"), in(pk, "b"), in(pk, "c"), in(pk, "d"), in(pk, "e")
		first := write(t, table, store.Create(a, store.Item{"n": int64(1)}), store.Create(b, nil), store.Create(c, store.Item{"n": int64(3)}))
		id := write(t, table, store.Update(a).Add("n", 1), store.Delete(b), store.Check(c), store.Upsert(d).Set("x", "y"), store.Create(e, nil))
		got, err := table.Read(t.Context(), a, b, c, d, e)
		require.NoError(t, err)
		require.Equal(t, store.Items{
			a: stamped(store.Item{"n": int64(2)}, id), c: stamped(store.Item{"n": int64(3)}, first),
			d: stamped(store.Item{"x": "y"}, id), e: stamped(nil, id),
		}, got)
	})
	for _, c := range []struct {
		name  string
		bad   func(present, absent store.Key) store.Mutation
		there bool // whether the item in the way is the present one
	}{
		{"create of what is there", func(p, _ store.Key) store.Mutation { return store.Create(p, nil) }, true},
		{"update of what is not", func(_, a store.Key) store.Mutation { return store.Update(a).Set("x", "y") }, false},
		{"delete of what is not", func(_, a store.Key) store.Mutation { return store.Delete(a) }, false},
		{"check of what is not", func(_, a store.Key) store.Mutation { return store.Check(a) }, false},
		{"condition of a check", func(p, _ store.Key) store.Mutation { return store.Check(p).Where(store.AtLeast("number", 6)) }, true},
		{"condition of an upsert", func(p, _ store.Key) store.Mutation {
			return store.Upsert(p).Add("number", 1).Where(store.Lacks("set", "a"))
		}, true},
	} {
		t.Run("nothing after a "+c.name, func(t *testing.T) {
			pk := partition()
			present, absent, other, created, deleted := in(pk, "present"), in(pk, "absent"), in(pk, "other"), in(pk, "created"), in(pk, "deleted")
			write(t, table, store.Create(present, sample()), store.Create(other, store.Item{"n": int64(1)}), store.Create(deleted, sample()))
			before, err := table.Read(t.Context(), present, absent, other, created, deleted)
			require.NoError(t, err)
			bad := c.bad(present, absent)
			inTheWay := store.Item(nil)
			if c.there {
				inTheWay = before[present]
			}
			err = settle(table, store.NewRequestID(), store.Update(other).Add("n", 1), store.Create(created, nil), bad, store.Delete(deleted))
			requireRefused(t, err, 2, bad.Key, inTheWay)
			after, err := table.Read(t.Context(), present, absent, other, created, deleted)
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
	t.Run("when several refuse, one of them is named", func(t *testing.T) {
		pk := partition()
		there := stamped(sample(), write(t, table, store.Create(in(pk, "c"), sample())))
		err := settle(table, store.NewRequestID(), store.Create(in(pk, "a"), nil), store.Delete(in(pk, "b")), store.Create(in(pk, "c"), nil))
		if r, ok := store.AsRefused(err); ok && r.Index == 1 {
			requireRefused(t, err, 1, in(pk, "b"), nil)
		} else {
			requireRefused(t, err, 2, in(pk, "c"), there)
		}
		require.Nil(t, stored(t, table, in(pk, "a")))
	})
	t.Run("an invalid change spoils the whole write", func(t *testing.T) {
		pk := partition()
		write(t, table, store.Create(in(pk, "text"), store.Item{"n": "text"}))
		err := settle(table, store.NewRequestID(), store.Create(in(pk, "a"), nil), store.Update(in(pk, "text")).Add("n", 1))
		require.ErrorIs(t, err, store.ErrInvalid)
		require.Nil(t, stored(t, table, in(pk, "a")))
	})
	t.Run("two mutations of one key", func(t *testing.T) {
		k := key()
		require.ErrorIs(t, settle(table, store.NewRequestID(), store.Create(k, nil), store.Update(k).Set("a", "b")), store.ErrInvalid)
		require.Nil(t, stored(t, table, k))
	})
}

// testRequests repeats writes with the same id.
func testRequests(t *testing.T, table store.Table) {
	t.Run("create", func(t *testing.T) {
		k, id := key(), store.NewRequestID()
		for range 3 {
			require.NoError(t, settle(table, id, store.Create(k, store.Item{"a": "1"})))
		}
		require.Equal(t, stamped(store.Item{"a": "1"}, id), stored(t, table, k))
		requireRefused(t, settle(table, store.NewRequestID(), store.Create(k, store.Item{"a": "1"})), 0, k, stamped(store.Item{"a": "1"}, id))
	})
	t.Run("update with add", func(t *testing.T) {
		k, id := key(), store.NewRequestID()
		write(t, table, store.Create(k, store.Item{"n": int64(1)}))
		for range 3 {
			require.NoError(t, settle(table, id, store.Update(k).Add("n", -1).Where(store.AtLeast("n", 1))))
		}
		require.Equal(t, stamped(store.Item{"n": int64(0)}, id), stored(t, table, k))
	})
	t.Run("upsert with add", func(t *testing.T) {
		k, id := key(), store.NewRequestID()
		for range 3 {
			require.NoError(t, settle(table, id, store.Upsert(k).Add("n", 1)))
		}
		require.Equal(t, int64(1), stored(t, table, k).Int("n"))
	})
	t.Run("delete", func(t *testing.T) {
		k, id := key(), store.NewRequestID()
		write(t, table, store.Create(k, nil))
		for range 3 {
			require.NoError(t, settle(table, id, store.Delete(k)))
		}
		require.Nil(t, stored(t, table, k))
		requireRefused(t, settle(table, store.NewRequestID(), store.Delete(k)), 0, k, nil)
	})
	t.Run("transaction, also after others have written", func(t *testing.T) {
		pk, id := partition(), store.NewRequestID()
		uses, receipt := in(pk, "uses"), in(pk, "receipt")
		write(t, table, store.Create(uses, store.Item{"left": int64(2)}))
		spend := []store.Mutation{store.Update(uses).Add("left", -1).Where(store.AtLeast("left", 1)), store.Create(receipt, store.Item{"a": "1"})}
		require.NoError(t, settle(table, id, spend...))
		require.NoError(t, settle(table, id, spend...))
		require.Equal(t, int64(1), stored(t, table, uses).Int("left"))
		write(t, table, store.Update(uses).Add("left", -1), store.Delete(receipt))
		require.NoError(t, settle(table, id, spend...))
		require.Equal(t, int64(0), stored(t, table, uses).Int("left"))
		require.Nil(t, stored(t, table, receipt))
	})
	t.Run("a lone write that comes again late, after others have written", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, store.Item{"enabled": true}))
		enable, enabled := store.NewRequestID(), store.Update(k).Set("enabled", true)
		require.NoError(t, settle(table, enable, enabled))
		disabled := write(t, table, store.Update(k).Set("enabled", false))
		require.NoError(t, settle(table, enable, enabled))
		require.Equal(t, stamped(store.Item{"enabled": false}, disabled), stored(t, table, k), "an update")

		again, upsert := store.NewRequestID(), store.Upsert(k).Set("enabled", true)
		require.NoError(t, settle(table, again, upsert))
		write(t, table, store.Delete(k))
		require.NoError(t, settle(table, again, upsert))
		require.Nil(t, stored(t, table, k), "an upsert")

		k = key()
		created, item := store.NewRequestID(), store.Create(k, store.Item{"enabled": true})
		require.NoError(t, settle(table, created, item))
		write(t, table, store.Delete(k))
		require.NoError(t, settle(table, created, item))
		require.Nil(t, stored(t, table, k), "a creation")
	})
	t.Run("a refused write may be tried again with its id", func(t *testing.T) {
		pk, id := partition(), store.NewRequestID()
		m := []store.Mutation{store.Create(in(pk, "a"), nil), store.Check(in(pk, "b"))}
		requireRefused(t, settle(table, id, m...), 1, in(pk, "b"), nil)
		write(t, table, store.Create(in(pk, "b"), nil))
		require.NoError(t, settle(table, id, m...))
		require.NotNil(t, stored(t, table, in(pk, "a")))
	})
	t.Run("another write under the same id", func(t *testing.T) {
		pk, id := partition(), store.NewRequestID()
		require.NoError(t, settle(table, id, store.Create(in(pk, "a"), nil), store.Create(in(pk, "b"), nil)))
		require.ErrorIs(t, settle(table, id, store.Create(in(pk, "a"), nil), store.Create(in(pk, "c"), nil)), store.ErrInvalid)
		require.Nil(t, stored(t, table, in(pk, "c")))
	})
}
