// Package late holds that what was ended stays ended on every engine when a write that had
// brought it back before comes again: as a request does that was held up in the network,
// given up and repeated, and arrives when others have written since.
package late

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

type object = map[string]any

// recording keeps the writes that were made.
type recording struct {
	store.Table
	mu     sync.Mutex
	writes []made
}

type made struct {
	id        store.RequestID
	mutations []store.Mutation
}

func (r *recording) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	err := r.Table.Write(ctx, id, m...)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.writes = append(r.writes, made{id, m})
	}
	return err
}

// act is a request of the administrator.
type act struct {
	method, path string
	body         any
}

// kill is a way to end ada's tokens, and to bring back what was ended.
type kill struct {
	name        string
	end, revive act
}

func kills(s *service.Service) []kill {
	lab := s.ID("domains", "domain", object{"name": "lab"})
	web := s.ID("projects", "project", object{"name": "web", "domain_id": lab})
	member := s.ID("roles", "role", object{"name": "operator"})
	crew := s.ID("groups", "group", object{"name": "crew"})
	ada := s.ID("users", "user", object{"name": "ada", "password": "pw-ada"})
	bob := s.ID("users", "user", object{"name": "bob", "password": "pw-bob"})
	mine, ours := "/v3/projects/"+web+"/users/"+ada+"/roles/"+member, "/v3/projects/"+web+"/groups/"+crew+"/roles/"+member
	in := "/v3/groups/" + crew + "/users/" + bob
	for _, path := range []string{mine, ours, in} {
		s.Must(http.StatusNoContent, "PUT", path, s.Admin(), nil)
	}
	enabled := func(collection, member, id string) kill {
		set := func(on bool) act {
			return act{"PATCH", "/v3/" + collection + "/" + id, object{member: object{"enabled": on}}}
		}
		return kill{member + " disabled", set(false), set(true)}
	}
	there := func(name, path string) kill { return kill{name, act{"DELETE", path, nil}, act{"PUT", path, nil}} }
	return []kill{
		enabled("users", "user", ada), enabled("projects", "project", web), enabled("domains", "domain", lab),
		there("role taken away", mine), there("group left", in), there("role taken from a group", ours),
	}
}

// stays ends something, brings it back, ends it again, and then repeats the writes that
// had brought it back.
func stays(t *testing.T, with ...service.Option) {
	var table *recording
	s := service.New(t, append(with, service.WithTable(func(below store.Table) store.Table {
		table = &recording{Table: below}
		return table
	}))...)
	do := func(a act) {
		r := s.Do(a.method, a.path, s.Admin(), a.body)
		require.Contains(t, []int{http.StatusOK, http.StatusNoContent}, r.Status, "%s %s: %s", a.method, a.path, r.Text)
	}
	all := kills(s)
	projects := s.Must(http.StatusOK, "GET", "/v3/projects?name=web", s.Admin(), nil).Body["projects"].([]any)
	scope := service.OnProject(projects[0].(object)["id"].(string))
	for _, k := range all {
		t.Run(k.name, func(t *testing.T) {
			do(k.end)
			table.writes = nil
			do(k.revive)
			revival := table.writes
			require.NotEmpty(t, revival)
			tokens := map[string]string{}
			for _, name := range []string{"ada", "bob"} {
				tokens[name] = s.Login(name, "pw-"+name, scope)
			}
			do(k.end)
			dead := map[string]bool{}
			for name, token := range tokens {
				dead[name] = s.Validate(token).Status == http.StatusNotFound
			}
			require.Contains(t, dead, "ada")
			require.True(t, dead["ada"] || dead["bob"], "ended somebody's token")
			for _, w := range revival {
				_ = table.Table.Write(t.Context(), w.id, w.mutations...) // what is answered, nobody hears
			}
			for name, token := range tokens {
				if dead[name] {
					assert.Equal(t, http.StatusNotFound, s.Validate(token).Status, "%s's token lives again", name)
					r := s.Do("POST", "/v3/auth/tokens", "", service.PasswordAuth(name, "pw-"+name, scope))
					assert.Equal(t, http.StatusUnauthorized, r.Status, "%s signs in: %s", name, r.Text)
				}
			}
			do(k.revive)
		})
	}
}

func TestWhatWasEndedStaysEnded(t *testing.T) { stays(t) }
