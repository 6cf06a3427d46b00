package trust

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMemory keeps far more trusts than it may remember: at any time it has the last
// generation of them, and never more than two.
func TestMemory(t *testing.T) {
	var m memory
	name := func(n int) string { return fmt.Sprintf("%032x", n) }
	for n := range 3*generation + 1 {
		m.keep(Trust{ID: name(n)})
		if len(m.young)+len(m.old) > 2*generation {
			t.Fatalf("%d trusts are remembered after %d", len(m.young)+len(m.old), n+1)
		}
	}
	for n := 2*generation + 1; n <= 3*generation; n++ {
		_, ok := m.recall(name(n))
		assert.True(t, ok, n)
	}
	_, ok := m.recall(name(0))
	assert.False(t, ok, "the first")
}
