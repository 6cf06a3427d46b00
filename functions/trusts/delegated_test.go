package trusts_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/test/service"
)

// TestDelegatedToken_may_not is what nobody may do with a token of a trust, with
// impersonation or without, whichever roles were delegated, admin too where it says so.
func TestDelegatedToken_may_not(t *testing.T) {
	for _, impersonation := range []bool{true, false} {
		for _, role := range []string{"member", "admin"} {
			name := map[bool]string{true: "impersonating ", false: "plain "}[impersonation] + role
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				roleID := w.member
				if role == "admin" {
					roleID = w.named("admin")
				}
				for _, user := range []string{w.ada, w.bob} { // bob has it too, so that only the delegation stands in the way
					require.NoError(t, w.Directory.Grant(t.Context(), w.reads(), store.UserActor(user), store.OnProject(w.web), roleID))
				}
				adas, bobs := w.login("ada", w.ada, w.scope()), w.login("bob", w.bob, nil)
				id := w.create(adas, w.trust(object{"impersonation": impersonation, "roles": []object{{"id": roleID}}}))
				other := w.create(adas, w.trust())
				token, acting := w.tokenOf(id, bobs), w.ada
				if !impersonation {
					acting = w.bob
				}
				must := func(t *testing.T, status int, method, path string, body any) service.Reply {
					t.Helper()
					r := w.Do(method, path, token, body)
					assert.Equal(t, status, r.Status, "%s %s: %s", method, path, r.Text)
					return r
				}
				t.Run("T-043 turn it into another token", func(t *testing.T) {
					for _, scope := range []any{nil, "unscoped", w.scope(), object{"project": object{"id": "elsewhere"}},
						object{"OS-TRUST:trust": object{"id": id}}, object{"OS-TRUST:trust": object{"id": other}}, object{"system": object{"all": true}}} {
						must(t, http.StatusForbidden, "POST", "/v3/auth/tokens", service.TokenAuth(token, scope))
					}
				})
				t.Run("TR-048 hand on what may not be", func(t *testing.T) {
					must(t, http.StatusForbidden, "POST", "/v3/OS-TRUST/trusts", w.trust(object{
						"trustor_user_id": acting, "trustee_user_id": w.eve, "impersonation": false, "roles": []object{{"id": roleID}}}))
				})
				t.Run("TR-077a end another trust", func(t *testing.T) {
					must(t, http.StatusForbidden, "DELETE", "/v3/OS-TRUST/trusts/"+other, nil)
				})
				t.Run("TR-111 make, see or end application credentials", func(t *testing.T) {
					path := "/v3/users/" + acting + "/application_credentials"
					must(t, http.StatusForbidden, "POST", path, object{"application_credential": object{"name": "mine"}})
					must(t, http.StatusForbidden, "GET", path, nil)
					must(t, http.StatusForbidden, "GET", path+"/x", nil)
					must(t, http.StatusForbidden, "DELETE", path+"/x", nil)
				})
				t.Run("TR-113 reach credentials", func(t *testing.T) {
					for _, project := range []any{w.web, "elsewhere", nil} {
						must(t, http.StatusForbidden, "POST", "/v3/credentials", object{"credential": object{
							"user_id": acting, "type": "ec2", "blob": `{"access": "a", "secret": "b"}`, "project_id": project}})
					}
					assert.Empty(t, must(t, http.StatusOK, "GET", "/v3/credentials", nil).Body["credentials"])
				})
				t.Run("TR-113a reach EC2 credentials", func(t *testing.T) {
					path := "/v3/users/" + acting + "/credentials/OS-EC2" // not built: there is nothing for anybody
					must(t, http.StatusNotFound, "POST", path, object{"tenant_id": w.web})
					must(t, http.StatusNotFound, "GET", path, nil)
					must(t, http.StatusNotFound, "DELETE", path+"/x", nil)
				})
				t.Run("D-047 change a password without knowing it", func(t *testing.T) {
					must(t, http.StatusUnauthorized, "POST", "/v3/users/"+acting+"/password", object{"user": object{
						"original_password": "a guess", "password": "taken over"}})
					if role != "admin" { // trusts.md section 4: a delegated admin is admin; docs/delegation.md warns
						must(t, http.StatusForbidden, "PATCH", "/v3/users/"+acting, object{"user": object{"password": "taken over"}})
					}
				})
				t.Run("PA-025 see or make pre-authentications", func(t *testing.T) {
					for _, user := range []string{w.ada, w.bob} {
						must(t, http.StatusNotFound, "GET", "/v3/users/"+user+"/preauthentications", nil)
						must(t, http.StatusNotFound, "POST", "/v3/users/"+user+"/preauthentications", object{"preauthentication": object{
							"trustee_user_id": w.eve, "project_id": w.web, "roles": []object{{"id": roleID}}}})
					}
				})
				t.Run("T-044 fetch a token that was arranged", func(t *testing.T) {
					must(t, http.StatusForbidden, "POST", "/v3/tokens/trusts/"+w.ada, nil)
				})
				assert.Equal(t, http.StatusOK, w.validate(token, bobs), "and it is alive after all that")
			})
		}
	}
}

// named is the id of a role.
func (w *world) named(name string) (id string) {
	w.t.Helper()
	rs := w.reads()
	var all *directory.Roles
	require.NoError(w.t, rs.Settle(w.t.Context(), func() (err error) { all, err = w.Registry.Roles(rs); return err }))
	r, ok := all.Named("", name)
	require.True(w.t, ok)
	return r.ID
}
