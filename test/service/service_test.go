package service_test

import (
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// TestTheFlow is the service's main job in one test: a trust is made, used and deleted,
// and every token made from it is dead at once, before anything has followed the change.
func TestTheFlow(t *testing.T) {
	s := service.New(t, service.WithLog(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	project := s.ID("projects", "project", map[string]any{"name": "web"})
	trustor := s.ID("users", "user", map[string]any{"name": "ada", "password": "pw-ada"})
	trustee := s.ID("users", "user", map[string]any{"name": "bob", "password": "pw-bob"})
	role := s.ID("roles", "role", map[string]any{"name": "operator"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+trustor+"/roles/"+role, s.Admin(), nil)

	ada := s.Login("ada", "pw-ada", service.OnProject(project))
	made := s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", ada, map[string]any{"trust": map[string]any{
		"trustor_user_id": trustor, "trustee_user_id": trustee, "project_id": project, "impersonation": true,
		"roles": []any{map[string]any{"id": role}},
	}})
	id := made.Member("trust")["id"].(string)
	bob := s.Login("bob", "pw-bob", service.ByTrust(id))
	require.Equal(t, http.StatusOK, s.Validate(bob).Status)

	s.Must(http.StatusNoContent, "DELETE", "/v3/OS-TRUST/trusts/"+id, ada, nil)
	require.Equal(t, http.StatusNotFound, s.Validate(bob).Status)
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v3/auth/projects", bob, nil).Status)
	s.Drain()
	require.Equal(t, http.StatusNotFound, s.Validate(bob).Status)
}
