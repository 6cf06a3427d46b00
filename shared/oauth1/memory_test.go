package oauth1

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMemory: the latest are remembered, a generation of them at least and two at most.
func TestMemory(t *testing.T) {
	var m memory
	id := func(n int) (string, parties) { return strconv.Itoa(n), parties{userID: "u" + strconv.Itoa(n)} }
	for n := range 3 * generation {
		m.keep(id(n))
		m.keep(id(n))
		require.LessOrEqual(t, len(m.young)+len(m.old), 2*generation)
		for _, back := range []int{0, min(n, generation-1)} {
			name, want := id(n - back)
			got, ok := m.recall(name)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	}
	_, ok := m.recall("0")
	require.False(t, ok)
	other := parties{userID: "other"}
	m.keep("0", other)
	got, _ := m.recall("0")
	require.Equal(t, other, got)
}
