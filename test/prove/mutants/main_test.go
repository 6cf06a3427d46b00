package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSeed: every mutant's lines are in the sources, once. Whether each is caught is for
// `make prove` to say.
func TestSeed(t *testing.T) {
	t.Chdir("../../..")
	all, err := read()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 15)
	_, err = seed(all)
	require.NoError(t, err)
}
