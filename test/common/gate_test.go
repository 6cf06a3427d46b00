package common

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// TestGate: a token that stands on something gone is none.
func TestGate(t *testing.T) {
	w := newWorld(t)
	refused := func(t *testing.T, token string) {
		t.Helper()
		none := w.want(t, 401, "GET", "/v3/auth/projects", "", nil)
		r := w.want(t, 401, "GET", "/v3/auth/projects", token, nil)
		require.Equal(t, none.Text, r.Text)
		require.Equal(t, none.Header.Get("WWW-Authenticate"), r.Header.Get("WWW-Authenticate"))
		w.want(t, 300, "GET", "/", token, nil) // and bars nobody from what needs no token
		w.want(t, 201, "POST", "/v3/auth/tokens", token, service.PasswordAuth("admin", service.AdminPassword, nil))
	}
	in := func(t *testing.T, name string) (project, token string) {
		t.Helper()
		project = w.ID("projects", "project", object{"name": name})
		w.grant("projects/"+project, w.ada, "member")
		token = w.Login("ada", "pw-ada", service.OnProject(project))
		w.want(t, 200, "GET", "/v3/auth/projects", token, nil)
		return project, token
	}
	t.Run("C-020_a_disabled_project", func(t *testing.T) {
		project, token := in(t, "off")
		w.Must(200, "PATCH", "/v3/projects/"+project, w.Admin(), object{"project": object{"enabled": false}})
		refused(t, token)
	})
	t.Run("C-021_a_disabled_user", func(t *testing.T) {
		id := w.ID("users", "user", object{"name": "eve", "password": "pw"})
		token := w.Login("eve", "pw", nil)
		w.Must(200, "PATCH", "/v3/users/"+id, w.Admin(), object{"user": object{"enabled": false}})
		refused(t, token)
	})
	t.Run("C-022_a_deleted_trust", func(t *testing.T) {
		bob := w.ID("users", "user", object{"name": "bob", "password": "pw"})
		id := w.Must(201, "POST", "/v3/OS-TRUST/trusts", w.Login("ada", "pw-ada", service.OnProject(w.web)), object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": bob, "project_id": w.web, "impersonation": true, "roles": []object{{"name": "member"}},
		}}).Member("trust")["id"].(string)
		token := w.Login("bob", "pw", service.ByTrust(id))
		w.want(t, 200, "GET", "/v3/auth/projects", token, nil)
		w.Must(204, "DELETE", "/v3/OS-TRUST/trusts/"+id, w.Admin(), nil)
		refused(t, token)
	})
	t.Run("C-024_a_deleted_project", func(t *testing.T) {
		project, token := in(t, "passing")
		w.Must(204, "DELETE", "/v3/projects/"+project, w.Admin(), nil)
		refused(t, token)
	})
	t.Run("C-023_another_header", func(t *testing.T) {
		w.want(t, 401, "GET", "/v3/auth/projects", "", nil, "X-Storage-Token", w.Admin())
	})
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	t.Run("C-050_versions", func(t *testing.T) {
		r := w.want(t, 300, "GET", "/", "", nil)
		require.Equal(t, service.Base+"/v3/", r.Header.Get("Location"))
		require.Equal(t, object{
			"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
			"links":       []any{object{"rel": "self", "href": service.Base + "/v3/"}},
			"media-types": []any{object{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
		}, r.Member("versions")["values"].([]any)[0])
	})
	t.Run("C-052_v3", func(t *testing.T) {
		list := w.want(t, 300, "GET", "/", "", nil).Member("versions")["values"].([]any)[0]
		for _, path := range []string{"/v3", "/v3/"} {
			require.Equal(t, object{"version": list}, w.want(t, 200, "GET", path, "", nil).Body)
		}
	})
	t.Run("C-055_C-056_JSON_home", func(t *testing.T) {
		for path, prefix := range map[string]string{"/v3": "", "/": "/v3"} {
			r := w.want(t, 200, "GET", path, "", nil, "Accept", "application/json-home")
			require.Equal(t, "application/json-home", r.Header.Get("Content-Type"))
			resources := r.Member("resources")
			require.NotEmpty(t, resources)
			for relation, v := range resources {
				require.Regexp(t, `^https://docs\.openstack\.org/api/openstack-identity/3/(ext/[A-Z0-9-]+/1\.[0-9]/)?rel/[a-z0-9_]+$`, relation)
				resource := v.(object)
				if href, ok := resource["href"]; ok {
					require.Regexp(t, "^"+prefix+"/[^{]+$", href)
					continue
				}
				require.Regexp(t, "^"+prefix+"/.*[{]", resource["href-template"])
				require.NotEmpty(t, resource["href-vars"])
			}
			require.Equal(t, object{"href": prefix + "/auth/tokens"}, resources["https://docs.openstack.org/api/openstack-identity/3/rel/auth_tokens"])
		}
	})
	t.Run("C-057_no_post", func(t *testing.T) {
		r := w.want(t, 405, "POST", "/v3", "", object{})
		require.Contains(t, r.Header.Get("Allow"), "GET")
	})
}
