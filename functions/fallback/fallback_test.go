package fallback_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestUnmatched(t *testing.T) {
	s := service.New(t)
	t.Run("C-011_trailing_slash", func(t *testing.T) {
		without := s.Must(http.StatusOK, "GET", "/v3/users/"+"?name=admin", s.Admin(), nil)
		users := without.Body["users"].([]any)
		require.Len(t, users, 1)
		id := users[0].(map[string]any)["id"].(string)

		with := s.Must(http.StatusOK, "GET", "/v3/users/"+id+"/", s.Admin(), nil)
		assert.Equal(t, id, with.Member("user")["id"], "the parameter is found without its slash")
		assert.Equal(t, service.Base+"/v3/users/"+id, with.Member("user")["links"].(map[string]any)["self"])
	})
	t.Run("C-011_trailing_slash_of_what_is_protected", func(t *testing.T) {
		r := s.Do("GET", "/v3/users/", "", nil)
		assert.Equal(t, http.StatusUnauthorized, r.Status)
		assert.Equal(t, `Keystone uri="`+service.Base+`/v3"`, r.Header.Get("WWW-Authenticate"))
	})
	t.Run("C-011_trailing_slash_of_a_post", func(t *testing.T) {
		r := s.Do("POST", "/v3/auth/tokens/", "", service.PasswordAuth("admin", service.AdminPassword, nil))
		assert.Equal(t, http.StatusCreated, r.Status)
	})
	t.Run("C-011_no_redirect", func(t *testing.T) {
		assert.Empty(t, s.Must(http.StatusOK, "GET", "/v3/", "", nil).Header.Get("Location"))
	})
	for name, path := range map[string]string{
		"a_path": "/v3/unknown", "another_version": "/v4", "below_an_operation": "/v3/auth/tokens/x/y",
		"two_slashes": "//v3", "with_a_trailing_slash": "/v3/unknown/",
	} {
		t.Run("C-012_unknown_"+name, func(t *testing.T) {
			r := s.Do("GET", path, "", nil)
			refused(t, r, http.StatusNotFound, "Not Found")
			assert.Empty(t, r.Header.Get("Allow"))
		})
	}
	t.Run("C-013_wrong_method", func(t *testing.T) {
		r := s.Do("PATCH", "/v3/auth/tokens", "", nil)
		refused(t, r, http.StatusMethodNotAllowed, "Method Not Allowed")
		assert.Equal(t, "DELETE, GET, HEAD, OPTIONS, POST", r.Header.Get("Allow"))
	})
	t.Run("C-013_wrong_method_and_a_trailing_slash", func(t *testing.T) {
		r := s.Do("PUT", "/v3/users/", "", nil)
		refused(t, r, http.StatusMethodNotAllowed, "Method Not Allowed")
		assert.Equal(t, "GET, HEAD, OPTIONS, POST", r.Header.Get("Allow"))
	})
	t.Run("C-057_post_to_a_version", func(t *testing.T) {
		r := s.Do("POST", "/v3", "", map[string]any{})
		refused(t, r, http.StatusMethodNotAllowed, "Method Not Allowed")
		assert.Contains(t, r.Header.Get("Allow"), "GET")
	})
	for name, path := range map[string]string{"a_path": "/v3/OS-TRUST/trusts", "a_trailing_slash": "/v3/OS-TRUST/trusts/"} {
		t.Run("C-014_options_of_"+name, func(t *testing.T) {
			r := s.Do("OPTIONS", path, "", nil)
			assert.Equal(t, http.StatusOK, r.Status)
			assert.Equal(t, "GET, HEAD, OPTIONS, POST", r.Header.Get("Allow"))
			assert.Empty(t, r.Text)
			assert.Equal(t, "X-Auth-Token", r.Header.Get("Vary"))
			assert.NotEmpty(t, r.Header.Get("X-Openstack-Request-Id"))
		})
	}
	t.Run("C-014_options_of_an_unknown_path", func(t *testing.T) {
		refused(t, s.Do("OPTIONS", "/v3/unknown", "", nil), http.StatusNotFound, "Not Found")
	})
}

// refused expects the common envelope (C-001 to C-003).
func refused(t *testing.T, r service.Reply, status int, title string) {
	t.Helper()
	assert.Equal(t, status, r.Status)
	require.Len(t, r.Body, 1)
	assert.InDelta(t, status, r.Member("error")["code"], 0)
	assert.Equal(t, title, r.Member("error")["title"])
	assert.NotEmpty(t, r.Member("error")["message"])
	assert.Equal(t, "X-Auth-Token", r.Header.Get("Vary"))
	assert.Regexp(t, "^req-[0-9a-f-]{36}$", r.Header.Get("X-Openstack-Request-Id"))
}
