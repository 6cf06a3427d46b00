// Package uses holds the service to TR-101 on every engine: a trust for n uses gives n
// tokens, however many ask at once and whatever the table does meanwhile.
package uses

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/faults"
	"mandate/shared/store/tear"
	"mandate/test/service"
)

// faulty tears reads apart and loses one write in ten before and one in ten after it was made.
func faulty(t store.Table) store.Table {
	return faults.New(tear.New(t, tear.Options{Seed: 1}), faults.Options{Seed: 1, Throttle: 0.1, Lost: 0.1, Contend: 0.1})
}

func exactly(t *testing.T, with ...service.Option) {
	const uses, clients = 10, 64
	s := service.New(t, with...)
	project := s.ID("projects", "project", map[string]any{"name": "web"})
	role := s.ID("roles", "role", map[string]any{"name": "operator"})
	ada := s.ID("users", "user", map[string]any{"name": "ada", "password": "pw-ada"})
	bob := s.ID("users", "user", map[string]any{"name": "bob", "password": "pw-bob"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	made := s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", s.Login("ada", "pw-ada", service.OnProject(project)),
		map[string]any{"trust": map[string]any{
			"trustor_user_id": ada, "trustee_user_id": bob, "project_id": project, "impersonation": false,
			"roles": []any{map[string]any{"id": role}}, "remaining_uses": uses,
		}}).Member("trust")["id"].(string)
	login := service.TokenAuth(s.Login("bob", "pw-bob", nil), service.ByTrust(made))

	var issued, others atomic.Int64
	var tokens sync.Map
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for { // a client repeats what was answered with 503, as it is told to
				r := s.Do("POST", "/v3/auth/tokens", "", login)
				switch r.Status {
				case http.StatusCreated:
					issued.Add(1)
					tokens.Store(r.Header.Get("X-Subject-Token"), true)
				case http.StatusServiceUnavailable:
					continue
				case http.StatusUnauthorized, http.StatusForbidden:
				default:
					others.Add(1)
				}
				return
			}
		})
	}
	group.Wait()
	require.Zero(t, others.Load(), "every answer is 201, 401, 403 or 503")
	assert.EqualValues(t, uses, issued.Load())
	tokens.Range(func(token, _ any) bool {
		assert.Equal(t, http.StatusOK, s.Validate(token.(string)).Status, "a token that was issued lives although the trust is used up")
		return true
	})
}

func TestUsesOfATrust(t *testing.T) {
	t.Run("TR-101 as many tokens as uses", func(t *testing.T) { exactly(t) })
	t.Run("TR-101 with a faulty table", func(t *testing.T) { exactly(t, service.WithTable(faulty)) })
}
