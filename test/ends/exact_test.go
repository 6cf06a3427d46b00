package ends

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/sweep"
	"mandate/test/service"
)

// cloud is a domain in which everybody has tokens.
type cloud struct {
	*service.Service
	ids    map[string]string
	tokens map[string]string // by what they are
}

// newCloud gives people roles in every way there is, and tokens by each of them.
func newCloud(t *testing.T) *cloud {
	s := service.New(t)
	c := &cloud{s, map[string]string{}, map[string]string{}}
	add := func(collection, member, name string, more object) {
		attributes := object{"name": name}
		maps.Copy(attributes, more)
		c.ids[name] = s.ID(collection, member, attributes)
	}
	add("domains", "domain", "lab", nil)
	in := object{"domain_id": c.ids["lab"]}
	add("projects", "project", "top", in)
	add("projects", "project", "web", object{"domain_id": c.ids["lab"], "parent_id": c.ids["top"]})
	add("projects", "project", "far", nil)
	add("groups", "group", "crew", in)
	add("groups", "group", "heirs", in)
	add("roles", "role", "operator", nil)
	for _, name := range []string{"ada", "bob", "cat", "dan", "eve", "fay"} {
		add("users", "user", name, object{"password": "pw-" + name})
	}
	add("users", "user", "gil", object{"password": "pw-gil", "domain_id": c.ids["lab"]})
	put := func(path string) { s.Must(http.StatusNoContent, "PUT", "/v3/"+path, s.Admin(), nil) }
	role := "/roles/" + c.ids["operator"]
	put("projects/" + c.ids["web"] + "/users/" + c.ids["ada"] + role)
	put("projects/" + c.ids["far"] + "/users/" + c.ids["ada"] + role)
	put("projects/" + c.ids["web"] + "/groups/" + c.ids["crew"] + role)
	put("groups/" + c.ids["crew"] + "/users/" + c.ids["bob"])
	put("OS-INHERIT/projects/" + c.ids["top"] + "/users/" + c.ids["cat"] + role + "/inherited_to_projects")
	put("OS-INHERIT/domains/" + c.ids["lab"] + "/groups/" + c.ids["heirs"] + role + "/inherited_to_projects")
	put("groups/" + c.ids["heirs"] + "/users/" + c.ids["dan"])
	put("domains/" + c.ids["lab"] + "/users/" + c.ids["dan"] + role)
	put("projects/" + c.ids["far"] + "/users/" + c.ids["gil"] + role)

	for _, name := range []string{"ada", "bob", "cat", "dan", "eve", "fay", "gil"} {
		c.tokens[name] = s.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", object{"auth": object{"identity": object{
			"methods": []string{"password"}, "password": object{"user": object{"id": c.ids[name], "password": "pw-" + name}},
		}}}).Header.Get("X-Subject-Token")
	}
	web, far := service.OnProject(c.ids["web"]), service.OnProject(c.ids["far"])
	for name, scope := range map[string]object{
		"ada web": web, "bob web": web, "cat web": web, "dan web": web, "dan top": service.OnProject(c.ids["top"]),
		"dan lab": service.OnDomain(c.ids["lab"]), "ada far": far, "gil far": far,
	} {
		c.token(name, c.tokens[name[:3]], scope)
	}
	c.token("ada web again", c.tokens["ada far"], web)
	c.trust("eve as ada", c.tokens["ada web"], "eve", true)
	c.trust("fay as ada", c.tokens["eve as ada"], "fay", true)
	c.trust("eve herself", c.tokens["ada web"], "eve", false)
	return c
}

// token makes a token of another one.
func (c *cloud) token(name, from string, scope object) {
	c.tokens[name] = c.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", service.TokenAuth(from, scope)).Header.Get("X-Subject-Token")
}

// trust makes a trust by a token, and a token of it.
func (c *cloud) trust(name, by, trustee string, impersonate bool) {
	count := 2
	if name == "fay as ada" {
		count = 1
	}
	c.ids[name] = c.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", by, object{"trust": object{
		"trustor_user_id": c.ids["ada"], "trustee_user_id": c.ids[trustee], "project_id": c.ids["web"], "impersonation": impersonate,
		"allow_redelegation": true, "redelegation_count": count, "roles": []object{{"id": c.ids["operator"]}},
	}}).Member("trust")["id"].(string)
	c.token(name, c.tokens[trustee], service.ByTrust(c.ids[name]))
}

// An end is something that may be done, and how many of a cloud's tokens it ends.
type end struct {
	name   string
	act    func(*cloud) (method, path string, body any)
	tokens int
	back   bool // it is taken back, and they live again
}

func off(collection, member, name string) func(*cloud) (string, string, any) {
	return func(c *cloud) (string, string, any) {
		return "PATCH", "/v3/" + collection + "/" + c.ids[name], object{member: object{"enabled": false}}
	}
}

func gone(collection, name string) func(*cloud) (string, string, any) {
	return func(c *cloud) (string, string, any) { return "DELETE", "/v3/" + collection + "/" + c.ids[name], nil }
}

// TestWhatIsSaidIsWhatEnds compares what ?dry_run=1 says with the tokens that are dead once it
// is done, one act after the other in a cloud.
func TestWhatIsSaidIsWhatEnds(t *testing.T) {
	for name, acts := range map[string][]end{
		"places": {
			{"a project disabled", off("projects", "project", "web"), 8, true},
			{"a domain disabled", off("domains", "domain", "lab"), 12, true},
			{"a project deleted", gone("projects", "web"), 8, false},
			{"the rest of a domain disabled", off("domains", "domain", "lab"), 4, false},
		},
		"people disabled": {
			{"the last delegate of a chain", off("users", "user", "fay"), 2, false},
			{"a group deleted", gone("groups", "crew"), 2, false},
			{"a group that inherits deleted", gone("groups", "heirs"), 4, false},
			{"a delegate", off("users", "user", "eve"), 3, false},
			{"a delegator", off("users", "user", "ada"), 4, false},
		},
		"a delegator disabled": {{"of a whole chain", off("users", "user", "ada"), 7, false}},
		"a delegate disabled":  {{"within a chain", off("users", "user", "eve"), 4, false}},
		"people deleted": {
			{"a trust", gone("OS-TRUST/trusts", "eve as ada"), 2, false},
			{"a delegate", gone("users", "eve"), 2, false},
			{"a delegator", gone("users", "ada"), 4, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCloud(t)
			for _, e := range acts {
				t.Run(e.name, func(t *testing.T) { s.saidAndDone(t, e) })
			}
		})
	}
}

func (c *cloud) alive() (n int) {
	for _, token := range c.tokens {
		if c.Validate(token).Status == http.StatusOK {
			n++
		}
	}
	return n
}

func (c *cloud) saidAndDone(t *testing.T, e end) {
	before := c.alive()
	method, path, body := e.act(c)
	said := c.Must(http.StatusOK, method, path+"?dry_run=1", c.Admin(), body).Member("dry_run")
	require.Equal(t, before, c.alive(), "nothing was done")
	r := c.Do(method, path, c.Admin(), body)
	require.Less(t, r.Status, 300, r.Text)
	ended := before - c.alive()
	assert.Equal(t, e.tokens, ended, "tokens that ended")
	assert.InDelta(t, ended, said["tokens"], 0, "tokens that were said to end")
	assert.Equal(t, true, said["exact"])
	if e.back {
		for member := range body.(object) {
			c.Must(http.StatusOK, method, path, c.Admin(), object{member: object{"enabled": true}})
		}
		require.Equal(t, before, c.alive())
	}
	c.Drain()
}

// multiply writes rows like that of a token until there are so many.
func (c *cloud) multiply(t *testing.T, like string, from, to int) {
	body := c.Validate(c.tokens[like]).Member("token")
	audit, err := base64.RawURLEncoding.DecodeString(body["audit_ids"].([]any)[0].(string))
	require.NoError(t, err)
	items, err := c.Engine.Read(t.Context(), store.Token(hex.EncodeToString(audit)))
	require.NoError(t, err)
	row := items[store.Token(hex.EncodeToString(audit))]
	require.NotNil(t, row)
	var m []store.Mutation
	for n := from; n < to; n++ {
		another, name := maps.Clone(row), fmt.Sprintf("%016x%016x", n, n)
		delete(another, store.AttrRequest)
		another[store.AttrAudit] = name
		m = append(m, store.Create(store.Token(name), another))
		if len(m) == store.MaxMutations || n == to-1 {
			require.NoError(t, c.Engine.Write(t.Context(), store.NewRequestID(), m...))
			m = nil
		}
	}
}

// TestCountingStops: exact to the limit, at least that beyond it.
func TestCountingStops(t *testing.T) {
	s, rows := newCloud(t), 8 // tokens for web
	for _, limit := range []int{20, sweep.CountTo} {
		s.Sweeper.CountTo = limit
		said := func(exact bool, collection, member, name string) {
			said := s.Must(http.StatusOK, "PATCH", "/v3/"+collection+"/"+s.ids[name]+"?dry_run=1", s.Admin(),
				object{member: object{"enabled": false}}).Member("dry_run")
			assert.InDelta(t, limit, said["tokens"], 0)
			assert.Equal(t, exact, said["exact"])
		}
		s.multiply(t, "ada web", rows, limit)
		said(true, "projects", "project", "web")
		s.multiply(t, "ada web", limit, limit+1)
		said(false, "projects", "project", "web")
		said(false, "domains", "domain", "lab")
		rows = limit + 1
	}
}
