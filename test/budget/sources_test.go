package budget

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// group makes a group with a role somewhere, and ada in it. where is the path of a target.
func (w *world) group(name, where, suffix string) {
	id := w.ID("groups", "group", map[string]any{"name": name})
	w.Must(http.StatusNoContent, "PUT", where+"/groups/"+id+"/roles/"+w.role+suffix, w.Admin(), nil)
	w.Must(http.StatusNoContent, "PUT", "/v3/groups/"+id+"/users/"+w.ada, w.Admin(), nil)
}

// TestValidateWithSources: each group that contributes, and each target that roles are
// inherited from, costs one unit more and no trip; implied roles cost nothing.
func TestValidateWithSources(t *testing.T) {
	const inherited = "/inherited_to_projects"
	for _, c := range []struct {
		name  string
		give  func(w *world)
		reads float64 // more than without
	}{
		{"a group with a role on the project", func(w *world) { w.group("one", "/v3/projects/"+w.project, "") }, 1},
		{"two groups", func(w *world) {
			w.group("one", "/v3/projects/"+w.project, "")
			w.group("two", "/v3/projects/"+w.project, "")
		}, 2},
		{"a role inherited from the domain", func(w *world) {
			w.Must(http.StatusNoContent, "PUT", "/v3/OS-INHERIT/domains/default/users/"+w.ada+"/roles/"+w.role+inherited, w.Admin(), nil)
		}, 1},
		{"a role that a group inherits from the domain", func(w *world) {
			w.group("one", "/v3/OS-INHERIT/domains/default", inherited)
		}, 2}, // the group, which may have a role on the project too, and what it inherits
		{"a group on the project and a role inherited from the domain", func(w *world) {
			w.group("one", "/v3/projects/"+w.project, "")
			w.Must(http.StatusNoContent, "PUT", "/v3/OS-INHERIT/domains/default/users/"+w.ada+"/roles/"+w.role+inherited, w.Admin(), nil)
		}, 2},
		{"a role that implies three", func(w *world) {
			for _, name := range []string{"pilot", "navigator", "watcher"} {
				implied := w.ID("roles", "role", map[string]any{"name": name})
				w.Must(http.StatusCreated, "PUT", "/v3/roles/"+w.role+"/implies/"+implied, w.Admin(), nil)
			}
			w.Must(http.StatusOK, "GET", "/v3/auth/projects", w.adaToken, nil) // the roles' new version is in memory from here on
		}, 0},
		{"a group that gives nothing here", func(w *world) {
			other := w.ID("projects", "project", map[string]any{"name": "shop"})
			w.group("one", "/v3/projects/"+other, "")
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t)
			c.give(w)
			w.call(t, w.adaToken) // issued before: what it does not know of may cost a second trip
			require.LessOrEqual(t, w.ledger.last.calls, 2.0)
			ada := w.Login("ada", "pw-ada", service.OnProject(w.project))
			trust := w.Login("bob", "pw-bob", service.ByTrust(w.trust(t, ada, w.bob, nil)))
			w.adaToken = ada
			program := w.delegate(t).token(t)
			for _, token := range []struct {
				name  string
				text  string
				reads float64
			}{{"project", ada, 5}, {"derived", w.derive(t, ada, service.OnProject(w.project)), 6}, {"trust", trust, 7}, {"OAuth1", program, 7}} {
				t.Run(token.name, func(t *testing.T) {
					w.call(t, token.text)
					w.atMost(t, 1, token.reads+c.reads, 0)
				})
			}
		})
	}
}
