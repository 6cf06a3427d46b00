package trust

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWithin says which trusts a token of a trust may manage.
func TestWithin(t *testing.T) {
	for _, c := range []struct {
		name  string
		trust Trust
		of    string
		want  bool
	}{
		{"itself", Trust{ID: "c"}, "c", true},
		{"its parent", Trust{ID: "c", Ancestors: []string{"a", "b"}}, "b", true},
		{"its root", Trust{ID: "c", Ancestors: []string{"a", "b"}}, "a", true},
		{"a stranger", Trust{ID: "c", Ancestors: []string{"a", "b"}}, "d", false},
		{"none", Trust{ID: "c", Ancestors: []string{"a"}}, "", false},
		{"none, of none", Trust{}, "", false},
		{"none, of a broken lineage", Trust{ID: "c", Ancestors: []string{""}}, "", false},
	} {
		t.Run("TR-077a "+c.name, func(t *testing.T) { assert.Equal(t, c.want, c.trust.Within(c.of)) })
	}
}
