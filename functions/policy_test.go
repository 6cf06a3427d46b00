package functions_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
)

// TestEveryActionHasARule looks for actions in the text of all areas, because an
// operation may ask for another than its own.
func TestEveryActionHasARule(t *testing.T) {
	for _, preset := range []string{policy.SelfService, policy.Keystone} {
		engine, err := policy.New(preset)
		require.NoError(t, err)
		ruled := engine.Actions()
		action := regexp.MustCompile(`"(identity:[a-z0-9_]*)"( \+ )?`)
		found := 0
		err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // G304: our own source
			if err != nil {
				return err
			}
			for _, m := range action.FindAllSubmatch(text, -1) {
				if len(m[2]) > 0 {
					continue // put together at run time
				}
				found++
				assert.Contains(t, ruled, string(m[1]), "%s, preset %s", path, preset)
			}
			return nil
		})
		require.NoError(t, err)
		require.Greater(t, found, 50)
	}
}
