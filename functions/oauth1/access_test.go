package oauth1_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

// TestAccessTokens: a user's access tokens, and what ends them (section 10).
func TestAccessTokens(t *testing.T) {
	w := newWorld(t)
	mine := "/v3/users/" + w.ada + "/OS-OAUTH1/access_tokens"

	t.Run("O-131_none", func(t *testing.T) {
		require.Equal(t, []any{}, is(t, 200, w.Do("GET", mine, w.adas, nil)).Body["access_tokens"])
	})
	access := w.access(w.operator)
	one := mine + "/" + access.id
	entity := object{
		"id": access.id, "consumer_id": w.consumer.id, "project_id": w.web, "authorizing_user_id": w.ada, "expires_at": "2031-03-02T09:00:00.000000Z",
		"links": object{"self": service.Base + one, "roles": service.Base + one + "/roles"},
	}
	t.Run("O-130_list", func(t *testing.T) {
		for _, token := range []string{w.adas, w.Admin()} {
			r := is(t, 200, w.Do("GET", mine, token, nil))
			require.Equal(t, []any{entity}, r.Body["access_tokens"])
			require.Equal(t, object{"next": nil, "previous": nil, "self": service.Base + mine}, r.Body["links"])
		}
	})
	t.Run("O-132_show", func(t *testing.T) {
		require.Equal(t, entity, is(t, 200, w.Do("GET", one, w.adas, nil)).Member("access_token"))
	})
	t.Run("O-133_unknown_or_another's", func(t *testing.T) {
		is(t, 404, w.Do("GET", mine+"/nope", w.adas, nil))
		is(t, 404, w.Do("GET", "/v3/users/"+w.bob+"/OS-OAUTH1/access_tokens/"+access.id, w.bobs, nil))
		is(t, 404, w.Do("GET", "/v3/users/"+w.bob+"/OS-OAUTH1/access_tokens/"+access.id, w.Admin(), nil))
	})
	role := object{"id": w.operator, "name": "operator", "domain_id": nil, "options": object{}, "links": object{"self": service.Base + "/v3/roles/" + w.operator}}
	t.Run("O-134_roles", func(t *testing.T) {
		w.Must(201, "PUT", "/v3/roles/"+w.operator+"/implies/"+w.role("reader"), w.Admin(), nil)
		r := is(t, 200, w.Do("GET", one+"/roles", w.adas, nil))
		require.Equal(t, []any{role}, r.Body["roles"])
		require.Equal(t, object{"next": nil, "previous": nil, "self": service.Base + one + "/roles"}, r.Body["links"])
	})
	t.Run("O-135_one_role", func(t *testing.T) {
		require.Equal(t, role, is(t, 200, w.Do("GET", one+"/roles/"+w.operator, w.adas, nil)).Member("role"))
		is(t, 404, w.Do("GET", one+"/roles/"+w.watcher, w.adas, nil))
		is(t, 404, w.Do("GET", one+"/roles/"+w.role("reader"), w.adas, nil))
	})
	t.Run("O-138_head", func(t *testing.T) {
		for _, path := range []string{mine, one, one + "/roles", one + "/roles/" + w.operator} {
			require.Empty(t, is(t, 200, w.Do("HEAD", path, w.adas, nil)).Text)
		}
	})
	t.Run("O-139_another_user", func(t *testing.T) {
		for _, path := range []string{mine, one, one + "/roles", one + "/roles/" + w.operator, mine + "/nope"} {
			is(t, 403, w.Do("GET", path, w.bobs, nil))
		}
		is(t, 403, w.Do("DELETE", one, w.bobs, nil))
	})
	t.Run("O-139_preset_keystone", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("POLICY_PRESET", "keystone"))
		is(t, 403, w.Do("GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens", w.adas, nil))
		is(t, 200, w.Do("GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens", w.Admin(), nil))
	})
	t.Run("O-137_unknown_to_delete", func(t *testing.T) { is(t, 404, w.Do("DELETE", mine+"/nope", w.adas, nil)) })
	t.Run("O-136_delete_O-141_use", func(t *testing.T) {
		token := w.token(access)
		stays := w.access(w.operator)
		kept := w.token(stays)
		is(t, 204, w.Do("DELETE", one, w.adas, nil))
		is(t, 404, w.Validate(token))
		is(t, 401, w.Do("GET", "/v3/auth/projects", token, nil))
		is(t, 404, w.send(w.issuing(access)))
		is(t, 404, w.Do("GET", one, w.adas, nil))
		is(t, 404, w.Do("GET", one+"/roles", w.adas, nil))
		is(t, 404, w.Do("DELETE", one, w.adas, nil))
		require.NotContains(t, w.Do("GET", mine, w.adas, nil).Text, access.id)
		is(t, 200, w.Validate(kept))
		w.Drain()
		is(t, 404, w.Validate(token))
		is(t, 200, w.Validate(kept))
		is(t, 204, w.Do("DELETE", mine+"/"+stays.id, w.Admin(), nil))
	})
	t.Run("O-144_role_deleted", func(t *testing.T) {
		both := w.access(w.operator, w.watcher)
		token := w.token(both)
		w.Must(204, "DELETE", "/v3/roles/"+w.watcher, w.Admin(), nil)
		require.Len(t, is(t, 200, w.Do("GET", mine+"/"+both.id+"/roles", w.adas, nil)).Body["roles"], 1)
		require.NotContains(t, is(t, 200, w.Validate(token)).Text, "watcher")
	})
}

// TestCascades: what is deleted takes request and access tokens along: they are dead at
// once, and gone when the stream has been followed.
func TestCascades(t *testing.T) {
	for _, c := range []struct {
		name, path string
		issue      int // a new identity token, afterwards
	}{
		{"O-140_consumer", consumers + "/CONSUMER", 404},
		{"O-142_user", "/v3/users/ADA", 404},
		{"O-143_project", "/v3/projects/WEB", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			mine := "/v3/users/" + w.ada + "/OS-OAUTH1/access_tokens"
			first := w.consumer
			access, waiting, chosen := w.access(w.operator), w.requestToken(), w.requestToken()
			verifier := w.verifier(chosen.id, w.operator)
			token := w.token(access)
			// Of another consumer, user and project.
			w.consumer = w.newConsumer()
			s := w.asking()
			s.header["Requested-Project-Id"] = []string{w.shop}
			asked := w.form(w.send(s))
			v := is(t, 200, w.authorize(w.bobs, asked.id, roles(w.operator))).Member("token")["oauth_verifier"].(string)
			others := w.form(w.send(w.exchanging(asked, v)))
			kept := w.token(others)

			path := map[string]string{
				consumers + "/CONSUMER": consumers + "/" + first.id, "/v3/users/ADA": "/v3/users/" + w.ada, "/v3/projects/WEB": "/v3/projects/" + w.web,
			}[c.path]
			w.Must(204, "DELETE", path, w.Admin(), nil)
			dead := func() {
				w.consumer, first = first, w.consumer
				is(t, 404, w.Validate(token))
				r := w.send(w.issuing(access))
				require.Contains(t, []int{401, 404}, r.Status)
				require.NotContains(t, w.Must(200, "GET", mine, w.Admin(), nil).Text, access.id)
				is(t, 404, w.Do("GET", mine+"/"+access.id, w.Admin(), nil))
				if c.name != "O-142_user" {
					is(t, 404, w.authorize(w.Admin(), waiting.id, roles(w.operator)))
				}
				require.Contains(t, []int{401, 404}, w.send(w.exchanging(chosen, verifier)).Status)
				w.consumer, first = first, w.consumer
				is(t, 200, w.Validate(kept))
			}
			dead()
			w.Drain()
			dead()
			w.consumer = first
			is(t, c.issue, w.send(w.issuing(access)))

			gone := []store.Key{
				store.AccessToken(access.id), store.AccessOfUser(w.ada, access.id), store.AccessOfProject(w.web, access.id),
				store.AccessOfConsumer(first.id, access.id), store.RequestToken(chosen.id), store.RequestOfUser(w.ada, chosen.id),
				store.RequestOfProject(w.web, chosen.id), store.RequestOfConsumer(first.id, chosen.id),
			}
			if c.name != "O-142_user" {
				gone = append(gone, store.RequestToken(waiting.id), store.RequestOfProject(w.web, waiting.id))
			}
			left, err := w.Engine.Read(t.Context(), gone...)
			require.NoError(t, err)
			require.Empty(t, left)
			stays, err := w.Engine.Read(t.Context(), store.AccessToken(others.id), store.AccessOfUser(w.bob, others.id))
			require.NoError(t, err)
			require.Len(t, stays, 2)
		})
	}
}
