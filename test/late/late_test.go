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

// recorded is a service whose writes are kept.
func recorded(t *testing.T, with []service.Option) (*service.Service, *recording) {
	table := &recording{}
	return service.New(t, append(with, service.WithTable(func(below store.Table) store.Table {
		table.Table = below
		return table
	}))...), table
}

// again repeats writes. What they are answered, nobody hears.
func (r *recording) again(t *testing.T, writes []made) {
	for _, w := range writes {
		_ = r.Table.Write(t.Context(), w.id, w.mutations...)
	}
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
	s, table := recorded(t, with)
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
			table.again(t, revival)
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

// staysDeleted makes things, deletes them, and then repeats the writes that had made them.
func staysDeleted(t *testing.T, with ...service.Option) {
	s, table := recorded(t, with)
	web, role := s.ID("projects", "project", object{"name": "web"}), s.ID("roles", "role", object{"name": "operator"})
	ada := s.ID("users", "user", object{"name": "ada", "password": "pw-ada"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+web+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	hers := s.Login("ada", "pw-ada", service.OnProject(web))
	roles := []object{{"id": role}}
	for collection, c := range map[string]struct {
		member string
		by     string
		body   object
	}{
		"users":                                {"user", s.Admin(), object{"name": "zoe", "password": "pw-zoe"}},
		"projects":                             {"project", s.Admin(), object{"name": "old"}},
		"groups":                               {"group", s.Admin(), object{"name": "crew"}},
		"roles":                                {"role", s.Admin(), object{"name": "spare"}},
		"OS-TRUST/trusts":                      {"trust", hers, object{"trustor_user_id": ada, "trustee_user_id": ada, "project_id": web, "impersonation": true, "roles": roles}},
		"credentials":                          {"credential", s.Admin(), object{"user_id": ada, "type": "cert", "blob": "b"}},
		"OS-OAUTH1/consumers":                  {"consumer", s.Admin(), object{}},
		"users/" + ada + "/preauthentications": {"preauthentication", hers, object{"trustee_user_id": ada, "project_id": web, "roles": roles}},
	} {
		t.Run(collection, func(t *testing.T) {
			table.writes = nil
			id := s.Must(http.StatusCreated, "POST", "/v3/"+collection, c.by, object{c.member: c.body}).Member(c.member)["id"].(string)
			creation := table.writes
			s.Must(http.StatusNoContent, "DELETE", "/v3/"+collection+"/"+id, c.by, nil)
			table.again(t, creation)
			assert.Equal(t, http.StatusNotFound, s.Do("GET", "/v3/"+collection+"/"+id, c.by, nil).Status, "it is there again")
			if c.member == "user" {
				assert.Equal(t, http.StatusUnauthorized, s.Do("POST", "/v3/auth/tokens", "", service.PasswordAuth("zoe", "pw-zoe", nil)).Status)
			}
			another := s.Must(http.StatusCreated, "POST", "/v3/"+collection, c.by, object{c.member: c.body}).Member(c.member)["id"].(string)
			assert.NotEqual(t, id, another, "its name is free")
		})
	}
}

func TestWhatWasDeletedStaysDeleted(t *testing.T) { staysDeleted(t) }
