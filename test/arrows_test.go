// Package test holds what is true of the whole source tree.
package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module is what our import paths begin with.
const module = "mandate/"

// pkg is what `go list` says of a package: what it imports itself, without its tests.
type pkg struct {
	ImportPath string
	Imports    []string
}

// packages lists ours. It fails when there are none: a check of nothing would pass.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	var all []pkg
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
	require.Greater(t, len(all), 20)
	return all
}

// under reports whether a path is one of the folders or below one of them. `*` stands
// for one step.
func under(path string, folders ...string) bool {
	steps := strings.Split(path, "/")
	return slices.ContainsFunc(folders, func(folder string) bool {
		want := strings.Split(folder, "/")
		if len(want) > len(steps) {
			return false
		}
		for i, step := range want {
			if step != "*" && step != steps[i] {
				return false
			}
		}
		return true
	})
}

// arrows says what packages may import of ours; the first line that fits decides. None
// points back: rules do not know how they are served, and the waist knows no engine.
var arrows = []struct {
	from string
	to   []string
}{
	{"functions/*/lambda", []string{"functions", "shared/app", "shared/gateway", "shared/api", "shared/notify"}},
	{"functions/*", []string{"shared/app", "shared/notify", "shared/revocation", "shared/api", "shared/directory", "shared/trust", "shared/oauth1", "shared/token", "shared/policy", "shared/problem", "shared/rotation", "shared/secret", "shared/store", "shared/sweep", "shared/walk", "shared/route"}},
	{"functions", []string{"functions", "shared/app", "shared/api"}},
	{"shared/local", []string{"functions", "shared"}},
	{"shared/app", []string{"shared/api", "shared/config", "shared/directory", "shared/oauth1", "shared/policy", "shared/revocation", "shared/rotation", "shared/secret", "shared/store", "shared/sweep", "shared/token", "shared/trust"}},
	{"shared/rotation", []string{"shared/secret", "shared/store"}},
	{"shared/gateway", []string{"shared/api", "shared/app", "shared/cloud", "shared/config", "shared/kms", "shared/metrics", "shared/problem", "shared/route", "shared/secret", "shared/store"}},
	{"shared/api", []string{"shared/metrics", "shared/policy", "shared/problem", "shared/secret", "shared/store"}},
	{"shared/notify", []string{"shared/notify", "shared/oauth1", "shared/revocation", "shared/secret", "shared/store"}},
	{"shared/revocation", []string{"shared/directory", "shared/oauth1", "shared/problem", "shared/store", "shared/token", "shared/trust"}},
	{"shared/token", []string{"shared/directory", "shared/oauth1", "shared/policy", "shared/problem", "shared/secret", "shared/store", "shared/trust"}},
	{"shared/trust", []string{"shared/directory", "shared/policy", "shared/problem", "shared/secret", "shared/store", "shared/walk"}},
	{"shared/bulk", []string{"shared/directory", "shared/problem", "shared/revocation", "shared/secret", "shared/store"}},
	{"shared/oauth1", []string{"shared/directory", "shared/policy", "shared/problem", "shared/secret", "shared/store", "shared/walk"}},
	{"shared/directory", []string{"shared/policy", "shared/problem", "shared/secret", "shared/store", "shared/walk"}},
	{"shared/sweep", []string{"shared/directory", "shared/oauth1", "shared/store", "shared/token", "shared/trust", "shared/walk"}},
	{"shared/walk", []string{"shared/store"}},
	{"shared/store/*", []string{"shared/store", "shared/cloud"}},
	{"shared/store", nil},
	{"shared/route", nil},
	{"shared/policy", nil},
	{"shared/problem", nil},
	{"shared/secret", []string{"shared/store"}},
	{"shared/kms", []string{"shared/cloud", "shared/store"}},
	{"shared/cloud", nil},
	{"shared/config", []string{"shared/secret"}},
	{"shared/webhook", []string{"shared/config", "shared/notify"}},
	{"shared/sam", []string{"shared/route"}},
}

func TestArrows(t *testing.T) {
	var checked int
	for _, p := range packages(t) {
		for _, a := range arrows {
			if !under(p.ImportPath, a.from) {
				continue
			}
			checked++
			for _, path := range p.Imports {
				to, ours := strings.CutPrefix(path, module)
				if ours {
					assert.True(t, under(to, a.to...), "%s must not import %s", p.ImportPath, to)
				}
			}
			break
		}
	}
	assert.GreaterOrEqual(t, checked, len(arrows), "an arrow that no package goes along")
}

// TestEnginesAreNamedInFewPlaces: whoever imports an engine can do what the other cannot.
func TestEnginesAreNamedInFewPlaces(t *testing.T) {
	var found int
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			engine := under(strings.TrimPrefix(path, module), "shared/store/dynamodb", "shared/store/embedded") || strings.HasPrefix(path, "go.etcd.io/bbolt")
			aws := strings.HasPrefix(path, "github.com/aws/")
			if !engine && !aws {
				continue
			}
			found++
			assert.True(t, under(p.ImportPath, "shared/cloud", "shared/kms", "shared/store/dynamodb", "shared/store/embedded", "shared/gateway", "shared/app", "shared/local", "cmd", "test", "functions/*/lambda", "functions/cascade"),
				"%s must not import %s", p.ImportPath, path)
			assert.False(t, engine && under(p.ImportPath, "functions"), "%s must not import %s", p.ImportPath, path)
		}
	}
	assert.Positive(t, found)
}

// TestAreasAreApart: a deployed function carries its own area only, so no area imports another.
func TestAreasAreApart(t *testing.T) {
	var checked int
	for _, p := range packages(t) {
		if !under(p.ImportPath, "functions/*") {
			continue
		}
		area := strings.Split(p.ImportPath, "/")[1]
		if area == "fallback" {
			continue // answers for all areas what no route matches
		}
		checked++
		for _, path := range p.Imports {
			if to, ours := strings.CutPrefix(path, module); ours && under(to, "functions/*") {
				assert.True(t, under(to, "functions/"+area, "functions/routes"), "%s must not import %s", p.ImportPath, to)
			}
		}
	}
	assert.Positive(t, checked)
}
