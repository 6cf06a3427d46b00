package filtered_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate"
	"mandate/shared/oauth1"
	"mandate/shared/sam"
	"mandate/shared/store"
	"mandate/test/filtered"
	"mandate/test/service"
)

type object = map[string]any

// TestNothingThatMattersIsFiltered ends something of every kind, some of it with more below it
// than one step follows, and looks at all that was written meanwhile.
func TestNothingThatMattersIsFiltered(t *testing.T) {
	s := service.New(t)
	s.Sweeper.Bound = 2
	log := s.Engine.(store.Log)
	require.NoError(t, log.Acknowledge(t.Context(), "test", "")) // so that it is kept

	role := s.Must(200, "GET", "/v3/roles?name=member", s.Admin(), nil).Body["roles"].([]any)[0].(object)["id"].(string)
	do := func(method, path string) { s.Must(204, method, "/v3/"+path, s.Admin(), nil) }
	patch := func(path, member string, attributes object) {
		s.Must(200, "PATCH", "/v3/"+path, s.Admin(), object{member: attributes})
	}
	lab := s.ID("domains", "domain", object{"name": "lab"})
	far := s.ID("projects", "project", object{"name": "far", "domain_id": lab})
	web := s.ID("projects", "project", object{"name": "web"})
	crew := s.ID("groups", "group", object{"name": "crew"})
	spare, below := s.ID("roles", "role", object{"name": "spare"}), s.ID("roles", "role", object{"name": "below"})
	s.Must(201, "PUT", "/v3/roles/"+spare+"/implies/"+below, s.Admin(), nil)
	users := map[string]string{}
	for _, name := range []string{"ada", "bob", "eve"} {
		users[name] = s.ID("users", "user", object{"name": name, "password": "pw-" + name})
		do("PUT", "projects/"+web+"/users/"+users[name]+"/roles/"+role)
		do("PUT", "projects/"+web+"/users/"+users[name]+"/roles/"+spare)
		do("PUT", "groups/"+crew+"/users/"+users[name])
	}
	do("PUT", "projects/"+web+"/groups/"+crew+"/roles/"+role)
	hers := s.Login("ada", "pw-ada", service.OnProject(web))
	var trusts []string
	for range 2 {
		trusts = append(trusts, s.Must(201, "POST", "/v3/OS-TRUST/trusts", hers, object{"trust": object{
			"trustor_user_id": users["ada"], "trustee_user_id": users["bob"], "project_id": web, "impersonation": true,
			"remaining_uses": 9, "roles": []object{{"name": "member"}},
		}}).Member("trust")["id"].(string))
		for range 4 {
			s.Login("bob", "pw-bob", object{"OS-TRUST:trust": object{"id": trusts[len(trusts)-1]}})
		}
	}
	consumer, _, err := s.OAuth1.CreateConsumer(t.Context(), oauth1.Consumer{})
	require.NoError(t, err)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		item := store.Item{store.AttrType: "access token", "id": id, "consumer_id": consumer.ID, "project_id": web, "user_id": users["eve"]}
		listed := store.Item{store.AttrType: "access token listed", "id": id, "consumer_id": consumer.ID, "project_id": web}
		request := store.Item{store.AttrType: "request token", "id": id, "consumer_id": consumer.ID, "project_id": web}
		require.NoError(t, s.Engine.Write(t.Context(), store.NewRequestID(), store.Create(store.AccessToken(id), item),
			store.Create(store.AccessOfConsumer(consumer.ID, id), listed), store.Create(store.RequestToken(id), request),
			store.Create(store.RequestOfConsumer(consumer.ID, id), store.Item{store.AttrType: "request token listed", "id": id}),
			store.Create(store.Nonce(consumer.ID, id), store.Item{store.AttrType: "nonce"})))
	}
	s.Must(201, "POST", "/v3/users/"+users["ada"]+"/preauthentications", hers, object{"preauthentication": object{
		"trustee_user_id": users["bob"], "project_id": web, "impersonation": false, "roles": []object{{"name": "member"}},
		"expires_at": "2999-01-01T00:00:00Z",
	}})

	revoked := s.Login("eve", "pw-eve", nil)
	s.Must(204, "DELETE", "/v3/auth/tokens", revoked, nil, "X-Subject-Token", revoked)
	do("DELETE", "OS-TRUST/trusts/"+trusts[0])
	own := s.Login("eve", "pw-eve", service.OnProject(web))
	s.Must(204, "DELETE", "/v3/users/"+users["eve"]+"/OS-OAUTH1/access_tokens/a", own, nil)
	do("DELETE", "OS-OAUTH1/consumers/"+consumer.ID)
	do("DELETE", "projects/"+web+"/users/"+users["bob"]+"/roles/"+spare)
	do("DELETE", "projects/"+web+"/users/"+users["bob"]+"/roles/"+role)
	do("DELETE", "roles/"+spare+"/implies/"+below)
	do("DELETE", "roles/"+below)
	patch("users/"+users["bob"], "user", object{"enabled": false})
	patch("domains/"+lab, "domain", object{"name": "laboratory"})
	patch("projects/"+far, "project", object{"enabled": false})
	s.Drain()
	do("DELETE", "groups/"+crew)
	do("DELETE", "users/"+users["ada"])
	do("DELETE", "projects/"+web)
	patch("domains/"+lab, "domain", object{"enabled": false})
	do("DELETE", "domains/"+lab)
	s.Drain()

	var all []store.Change
	for after := ""; ; after = all[len(all)-1].Position {
		some, err := log.Changes(t.Context(), after, 0)
		require.NoError(t, err)
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	assert.Subset(t, kindsOf(all), droppedWhenRemoved(t), "a kind whose removal is filtered does not occur here")
	counts := filtered.Check(t, s.Engine, all)
	for reader, kinds := range map[string][]string{
		"cascade": {
			"INSERT job", "INSERT token", "MODIFY domain", "MODIFY job", "MODIFY token", "MODIFY user", "REMOVE access token",
			"REMOVE consumer", "REMOVE domain", "REMOVE group", "REMOVE project", "REMOVE trust", "REMOVE user",
		},
		"publish": {
			"INSERT access token", "INSERT consumer", "INSERT request token", "MODIFY domain", "MODIFY grant", "MODIFY project",
			"MODIFY role", "MODIFY token", "MODIFY user", "REMOVE access token", "REMOVE consumer", "REMOVE domain", "REMOVE grant",
			"REMOVE group", "REMOVE project", "REMOVE role", "REMOVE trust", "REMOVE user",
		},
	} {
		assert.Equal(t, kinds, slices.Sorted(maps.Keys(counts[reader].Kinds)), reader)
		assert.Positive(t, counts[reader].Dropped, reader)
		t.Logf("%s: of %d changes and their variants acted on %d, dropped %d", reader, len(all), counts[reader].Acted, counts[reader].Dropped)
	}
}

func kindsOf(changes []store.Change) []string {
	kinds := map[string]bool{}
	for _, c := range changes {
		kinds[c.Old.Str(store.AttrType)], kinds[c.New.Str(store.AttrType)] = true, true
	}
	return slices.Sorted(maps.Keys(kinds))
}

// droppedWhenRemoved are the kinds that any filter of the template names for that.
func droppedWhenRemoved(t *testing.T) (kinds []string) {
	template, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	for _, f := range template.Functions {
		if f.Stream == nil {
			continue
		}
		for _, p := range f.Stream.Filter {
			for _, c := range p {
				kinds = append(kinds, c.Not...)
			}
		}
	}
	require.NotEmpty(t, kinds)
	return kinds
}
