package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSeed: a switch at every place where a fault may be, inner ones within outer ones, and every line
// where it was. Whether the faults are noticed is for `make mutation` to say.
func TestSeed(t *testing.T) {
	const source = `package p

const limit = 2 > 1

func f(a, b int, w write) (ok bool) {
	if a < b && !ok ||
		a >= limit {
		ok = true
		w.put(a)
	}
	if ok {
		w.Where(a, b)
		panic(a == b)
	}
	return false
}
`
	const seeded = `package p; import "mandate/test/mutation/switched"

const limit = 2 > 1

func f(a, b int, w write) (ok bool) {
	if switched.Or(1, switched.And(2, switched.Flip(3, switched.Less(4, a , b)) , func() bool { return ( switched.Flip(5, !ok)) }) , func() bool { return (
		switched.Flip(6, !switched.Less(7, a , limit))) }) {
		if switched.Keep(8) { ok = true }
		if switched.Keep(9) { w.put(a) }
	}
	if switched.Flip(10, ok) {
		if switched.Keep(11) { w.Where(switched.All(12, a, b)...) }
		panic(switched.Flip(13, a == b))
	}
	return switched.Flip(14, false)
}
`
	n := 0
	got, faults, err := seed("p.go", []byte(source), func() int { n++; return n })
	require.NoError(t, err)
	require.Equal(t, seeded, string(got))
	require.Len(t, faults, n)
	require.Equal(t, fault{n: 12, path: "p.go", line: 12, what: "writes without its conditions", text: "w.Where(a, b)"}, faults[11])
}
