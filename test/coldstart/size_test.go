package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/deployed"
)

// TestExecutable bounds the executable of the function that validates tokens as it is deployed,
// and looks at what makes executables a third larger: a call of a method that is found by
// reflection, by a name that is not in the source. The linker keeps every exported method then. Templates do
// it; so did protobuf 1.36.11, by asking for "Methods", under Go 1.26, where reflection has a
// method of that name.
func TestExecutable(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bootstrap")
	build := deployed.Building(t.Context(), out, area, "arm64", "-dumpdep")
	var log bytes.Buffer
	build.Stderr = &log
	require.NoError(t, build.Run(), log.String())
	info, err := os.Stat(out)
	require.NoError(t, err)
	t.Logf("%.2f MB", float64(info.Size())/1e6)
	assert.LessOrEqual(t, info.Size(), int64(mostBytes))

	edges := 0
	for edge := range strings.Lines(log.String()) { // from -> to
		if strings.Contains(edge, " -> ") {
			edges++
			assert.NotContains(t, edge, "<ReflectMethod>")
		}
	}
	assert.Greater(t, edges, 10_000)
}
