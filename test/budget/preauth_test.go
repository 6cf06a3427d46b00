package budget

import (
	"net/http"
	"testing"
)

// TestPreauthentication: design.md gives pre-authentications no budget of their own. A creation
// is that of a trust and two items; a replacement is a creation and a deletion in one write.
func TestPreauthentication(t *testing.T) {
	w := build(t)
	path := "/v3/users/" + w.ada + "/preauthentications"
	wrap := func(m map[string]any) map[string]any { return map[string]any{"preauthentication": m} }
	var id string
	t.Run("create", func(t *testing.T) {
		r := w.Must(http.StatusCreated, "POST", path, w.adaToken, wrap(map[string]any{
			"trustee_user_id": w.bob, "project_id": w.project, "roles": []any{map[string]any{"id": w.role}}, "expires_at": "2099-01-01T00:00:00Z",
		}))
		id = r.Member("preauthentication")["id"].(string)
		w.atMost(t, 2, 10, 24)
	})
	t.Run("show: the handle, then the trust behind it", func(t *testing.T) {
		w.Must(http.StatusOK, "GET", path+"/"+id, w.adaToken, nil)
		w.atMost(t, 2, 10, 0)
	})
	t.Run("replace", func(t *testing.T) {
		w.Must(http.StatusOK, "PATCH", path+"/"+id, w.adaToken, wrap(map[string]any{"impersonation": false}))
		w.atMost(t, 3, 12, 44)
	})
	t.Run("fetch: the caller, the arrangement, the trust, the token's row", func(t *testing.T) {
		w.Must(http.StatusCreated, "POST", "/v3/tokens/trusts/"+w.ada, w.bobToken, nil)
		w.atMost(t, 4, 10, 8) // the first in an hour: and the note of when, in one transaction
		w.Must(http.StatusCreated, "POST", "/v3/tokens/trusts/"+w.ada, w.bobToken, nil)
		w.atMost(t, 4, 10, 3)
	})
	t.Run("delete", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", path+"/"+id, w.adaToken, nil)
		w.atMost(t, 3, 10, 24)
	})
}
