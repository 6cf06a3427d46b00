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
	"mandate/test/service"
)

// silent makes every fifth write and then loses its answer: a time-out after the commit.
func silent(t store.Table) store.Table {
	var writes atomic.Int64
	return faults.New(t, faults.Options{Choose: func(_ int, op faults.Operation) faults.Fault {
		if op == faults.Write && writes.Add(1)%5 == 0 {
			return faults.Lost
		}
		return faults.None
	}})
}

// exactly lets 64 clients take tokens of a trust until there are no more.
func exactly(t *testing.T, uses int, with ...service.Option) {
	const clients = 64
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

	var issued, doubtful, others atomic.Int64
	var tokens sync.Map
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for {
				r := s.Do("POST", "/v3/auth/tokens", "", login)
				switch r.Status {
				case http.StatusCreated:
					issued.Add(1)
					_, twice := tokens.LoadOrStore(r.Header.Get("X-Subject-Token"), true)
					assert.False(t, twice, "one token was given twice")
				case http.StatusServiceUnavailable: // to be repeated
					doubtful.Add(1)
				case http.StatusUnauthorized, http.StatusForbidden:
					return
				default:
					others.Add(1)
					return
				}
			}
		})
	}
	group.Wait()
	require.Zero(t, others.Load(), "every answer is 201, 401, 403 or 503")
	// A 503 after a time-out may have spent a use: nobody could say any more. Without one it is exact.
	assert.LessOrEqual(t, issued.Load(), int64(uses))
	assert.GreaterOrEqual(t, issued.Load()+doubtful.Load(), int64(uses))
	t.Logf("%d tokens of %d uses, %d answers in doubt", issued.Load(), uses, doubtful.Load())
	trust := s.Do("GET", "/v3/OS-TRUST/trusts/"+made, s.Admin(), nil)
	assert.Equal(t, http.StatusNotFound, trust.Status, "TR-063: used up")
	tokens.Range(func(token, _ any) bool {
		assert.Equal(t, http.StatusOK, s.Validate(token.(string)).Status, "a token that was issued lives although the trust is used up")
		return true
	})
}

func TestUsesOfATrust(t *testing.T) {
	t.Run("TR-101 as many tokens as uses", func(t *testing.T) { exactly(t, 10) })
	t.Run("TR-101 with a faulty table", func(t *testing.T) { exactly(t, 10, service.Faulty()) })
	t.Run("TR-101 a thousand, with time-outs after the commit", func(t *testing.T) { exactly(t, 1000, service.WithTable(silent)) })
}
