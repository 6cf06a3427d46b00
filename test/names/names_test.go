// Package names holds the service to one owner per name on every engine, however many ask for
// the name at once and whatever the table does meanwhile.
package names

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"mandate/test/service"
)

type object = map[string]any

// claimants is how many ask for one name at once.
const claimants = 200

// named are the resources of which two may not have one name, or one id that a client chose.
var named = []struct {
	row, collection, member string
	of                      object
}{
	{"D-033", "users", "user", object{"name": "ada"}},
	{"D-063", "projects", "project", object{"name": "web"}},
	{"D-081", "domains", "domain", object{"name": "realm"}},
	{"D-100", "groups", "group", object{"name": "team"}},
	{"D-110", "roles", "role", object{"name": "pilot"}},
	{"D-110", "roles", "role", object{"name": "pilot", "domain_id": "default"}},
	{"D-168", "regions", "region", object{"id": "north"}},
}

// claim lets them all ask for each name: one has it, the others hear of a conflict, and the
// list has one.
func claim(t *testing.T, with ...service.Option) {
	s := service.New(t, with...)
	admin := s.Admin()
	for _, n := range named {
		t.Run(n.row+" "+n.collection, func(t *testing.T) {
			counts := s.AtOnce(claimants, func(int) *http.Request { return s.Request("POST", "/v3/"+n.collection, admin, object{n.member: n.of}) })
			assert.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: claimants - 1}, counts)
			query := "?"
			for k, v := range n.of {
				query += k + "=" + v.(string) + "&"
			}
			listed := 0
			for _, v := range s.Must(http.StatusOK, "GET", "/v3/"+n.collection+query, admin, nil).Body[n.collection].([]any) {
				if v := v.(object); v["name"] == n.of["name"] && (n.of["id"] == nil || v["id"] == n.of["id"]) {
					listed++
				}
			}
			assert.Equal(t, 1, listed)
		})
	}
}

func TestNames(t *testing.T) {
	t.Run("D-021 torn reads", func(t *testing.T) { claim(t, service.Torn()) })
	t.Run("D-021 a faulty table", func(t *testing.T) { claim(t, service.Faulty()) })
}
