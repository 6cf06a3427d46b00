// Package ends holds what is said to end before it does to what then ends.
package ends

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

type object = map[string]any

// changes counts what has been written.
func changes(t *testing.T, s *service.Service) (n int) {
	t.Helper()
	log, at := s.Engine.(store.Log), ""
	for {
		some, err := log.Changes(t.Context(), at, 0)
		require.NoError(t, err)
		if len(some) == 0 {
			return n
		}
		n, at = n+len(some), some[len(some)-1].Position
	}
}

// TestDryRun: ?dry_run=1 says what would end, writes nothing, and is allowed to those who
// could do it.
func TestDryRun(t *testing.T) {
	s := service.New(t)
	web := s.ID("projects", "project", object{"name": "web"})
	ada := s.ID("users", "user", object{"name": "ada", "password": "pw-ada"})
	bob := s.ID("users", "user", object{"name": "bob", "password": "pw-bob"})
	crew := s.ID("groups", "group", object{"name": "crew"})
	consumer := s.ID("OS-OAUTH1/consumers", "consumer", object{"description": "ci"})
	spare := s.ID("roles", "role", object{"name": "spare"})
	role := s.Must(200, "GET", "/v3/roles?name=member", s.Admin(), nil).Body["roles"].([]any)[0].(object)["id"].(string)
	s.Must(204, "PUT", "/v3/projects/"+web+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	s.Must(204, "PUT", "/v3/projects/"+web+"/groups/"+crew+"/roles/"+role, s.Admin(), nil)
	s.Must(204, "PUT", "/v3/groups/"+crew+"/users/"+bob, s.Admin(), nil)
	hers := s.Login("ada", "pw-ada", service.OnProject(web))
	trust := s.Must(201, "POST", "/v3/OS-TRUST/trusts", hers, object{"trust": object{
		"trustor_user_id": ada, "trustee_user_id": bob, "project_id": web, "impersonation": true, "roles": []object{{"name": "member"}},
	}}).Member("trust")["id"].(string)
	his := s.Login("bob", "pw-bob", object{"OS-TRUST:trust": object{"id": trust}})
	s.Must(201, "POST", "/v3/domains", s.Admin(), object{"domain": object{"name": "lab"}})
	lab := s.Must(200, "GET", "/v3/domains?name=lab", s.Admin(), nil).Body["domains"].([]any)[0].(object)["id"].(string)
	s.Drain()
	before := changes(t, s)

	for name, c := range map[string]struct {
		method, path string
		body         any
		want         map[string]float64 // what is not named is 0
		exact        bool
	}{
		"a trust":          {"DELETE", "/v3/OS-TRUST/trusts/" + trust, nil, map[string]float64{"trusts": 1, "tokens": 1}, true},
		"a user":           {"DELETE", "/v3/users/" + ada, nil, map[string]float64{"users": 1, "grants": 1, "trusts": 1, "tokens": 2}, true},
		"a user, disabled": {"PATCH", "/v3/users/" + ada, object{"user": object{"enabled": false}}, map[string]float64{"tokens": 2}, true},
		"a user, renamed":  {"PATCH", "/v3/users/" + ada, object{"user": object{"name": "eva"}}, nil, true},
		"a group":          {"DELETE", "/v3/groups/" + crew, nil, map[string]float64{"groups": 1, "memberships": 1, "grants": 1, "tokens": 1}, true},
		"a project": {"DELETE", "/v3/projects/" + web, nil, map[string]float64{
			"projects": 1, "grants": 2, "trusts": 1, "tokens": 2}, true},
		"a project, disabled": {"PATCH", "/v3/projects/" + web, object{"project": object{"enabled": false}}, map[string]float64{"tokens": 2}, true},
		"a domain, disabled":  {"PATCH", "/v3/domains/" + lab, object{"domain": object{"enabled": false}}, nil, true},
		"a consumer":          {"DELETE", "/v3/OS-OAUTH1/consumers/" + consumer, nil, map[string]float64{"consumers": 1}, true},
		"a role":              {"DELETE", "/v3/roles/" + spare, nil, map[string]float64{"roles": 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Must(200, c.method, c.path+"?dry_run=1", s.Admin(), c.body).Member("dry_run")
			require.NotNil(t, r)
			for kind, n := range r {
				if kind != "exact" {
					assert.Equal(t, c.want[kind], n, kind)
				}
			}
			assert.Equal(t, c.exact, r["exact"])
		})
	}
	assert.Equal(t, before, changes(t, s), "nothing was written")
	s.Validate(hers)
	s.Validate(his)

	assert.Equal(t, 403, s.Do("DELETE", "/v3/users/"+bob+"?dry_run=1", hers, nil).Status, "who may not do it may not ask")
	assert.Equal(t, 404, s.Do("DELETE", "/v3/users/nobody?dry_run=1", s.Admin(), nil).Status)
	for _, query := range []string{"dry_run=0", "dry_run=true", "dry_run=", "dry_run", "dry_run=1&dry_run=1"} {
		r := s.Do("DELETE", "/v3/users/"+ada+"?"+query, s.Admin(), nil)
		assert.Equal(t, 400, r.Status, query)
		assert.Contains(t, r.Text, "dry_run", query)
	}
	assert.Equal(t, 400, s.Do("DELETE", "/v3/groups/"+crew+"/users/"+bob+"?dry_run=1", s.Admin(), nil).Status, "what cannot be asked is not done")
	assert.Equal(t, before, changes(t, s), "nothing was written")

	// What was said is what happens.
	s.Must(204, "DELETE", "/v3/OS-TRUST/trusts/"+trust, s.Admin(), nil)
	s.Drain()
	assert.Equal(t, 404, s.Do("GET", "/v3/auth/tokens", s.Admin(), nil, "X-Subject-Token", his).Status)
	s.Validate(hers)
}
