package preauthentications_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

func TestCreate(t *testing.T) {
	w := newWorld(t)
	t.Run("PA-001 a complete body", func(t *testing.T) {
		for _, token := range []string{w.adas, w.Login("ada", "pw-ada", nil)} {
			r := w.post(token, w.arrangement(object{
				"impersonation": true, "expires_at": nil, "remaining_uses": nil, "allow_redelegation": false,
				"redelegation_count": 0, "description": "move my servers",
			}))
			require.Equal(t, http.StatusCreated, r.Status, r.Text)
			p := r.Member("preauthentication")
			id, trust := p["id"].(string), p["trust_id"].(string)
			self := service.Base + path(w.ada, id)
			assert.Equal(t, object{
				"id": id, "user_id": w.ada, "trust_id": trust, "trustee_user_id": w.bob, "project_id": w.web,
				"roles":         []any{object{"id": w.operator, "name": "operator"}},
				"impersonation": true, "expires_at": nil, "remaining_uses": nil, "allow_redelegation": false,
				"redelegation_count": 0.0, "description": "move my servers",
				"created_at": "2031-03-01T09:00:00.000000Z", "updated_at": nil, "links": object{"self": self},
			}, p)
			assert.Equal(t, self, r.Header.Get("Location"))
			assert.NotEmpty(t, r.Header.Get("ETag"))
			assert.Len(t, id, 32)
			assert.NotEqual(t, id, trust)
			made := w.trust(trust)
			require.Equal(t, http.StatusOK, made.Status, made.Text)
			assert.Equal(t, w.ada, made.Member("trust")["trustor_user_id"])
			assert.NotContains(t, made.Text, id, "section 2: nothing of it appears in the trust")
			assert.NotContains(t, made.Text, "move my servers")
		}
	})
	t.Run("PA-002 impersonation is the default", func(t *testing.T) {
		p := w.arrange()
		assert.Equal(t, true, p["impersonation"])
		assert.Equal(t, true, w.trust(p["trust_id"].(string)).Member("trust")["impersonation"])
		p = w.arrange(object{"impersonation": false})
		assert.Equal(t, false, p["impersonation"])
		assert.Equal(t, false, w.trust(p["trust_id"].(string)).Member("trust")["impersonation"])
	})

	without := func(name string) object {
		b := w.arrangement()
		delete(b["preauthentication"].(object), name)
		return b
	}
	with := func(name string, v any) object { return w.arrangement(object{name: v}) }
	before := w.trusts()
	for _, c := range []struct {
		name   string
		status int
		body   any
		names  string
	}{
		{"PA-003 no delegate", 400, without("trustee_user_id"), "preauthentication.trustee_user_id"},
		{"PA-003 the delegate null", 400, with("trustee_user_id", nil), "preauthentication.trustee_user_id"},
		{"PA-003 the delegate a number", 400, with("trustee_user_id", 7), "preauthentication.trustee_user_id"},
		{"PA-003 a delegate of 65 characters", 400, with("trustee_user_id", strings.Repeat("a", 65)), "preauthentication.trustee_user_id"},
		{"PA-004 a role that I lack", 404, with("roles", []any{object{"id": w.foreign}}), ""},
		{"PA-004 a role that nobody knows", 404, with("roles", []any{object{"name": "no such role"}}), ""},
		{"PA-004 an unknown delegate", 404, with("trustee_user_id", "nobody"), ""},
		{"PA-004 an unknown project", 404, with("project_id", "nowhere"), ""},
		{"PA-005 expired before", 400, with("expires_at", "2031-03-01T08:59:59Z"), "preauthentication.expires_at"},
		{"PA-005 no time at all", 400, with("expires_at", "soon"), "preauthentication.expires_at"},
		{"PA-005 no uses", 400, with("remaining_uses", 0), "preauthentication.remaining_uses"},
		{"PA-005 half a use", 400, with("remaining_uses", 0.5), "preauthentication.remaining_uses"},
		{"PA-005 uses and redelegation", 400, w.arrangement(object{"remaining_uses": 2, "allow_redelegation": true}), "preauthentication.remaining_uses"},
		{"PA-005 a negative count", 400, with("redelegation_count", -1), "preauthentication.redelegation_count"},
		{"PA-005 impersonation null", 400, with("impersonation", nil), "preauthentication.impersonation"},
		{"PA-005 a description of 256 characters", 400, with("description", strings.Repeat("é", 256)), "preauthentication.description"},
		{"PA-005 more generations than there may be", 403, w.arrangement(object{"allow_redelegation": true, "redelegation_count": 4}), ""},
		{"PA-006 no project", 400, without("project_id"), "preauthentication.project_id"},
		{"PA-006 the project null", 400, with("project_id", nil), "preauthentication.project_id"},
		{"PA-006 no roles", 400, without("roles"), "preauthentication.roles"},
		{"PA-006 an empty list of roles", 400, with("roles", []any{}), "preauthentication.roles"},
		{"PA-006 roles null", 400, with("roles", nil), "preauthentication.roles"},
		{"PA-006 a role by nothing", 400, with("roles", []any{object{}}), "preauthentication.roles.0"},
		{"PA-007 an id", 400, with("id", "x"), "preauthentication.id"},
		{"PA-007 a creator", 400, with("user_id", w.ada), "preauthentication.user_id"},
		{"PA-007 a trust", 400, with("trust_id", "x"), "preauthentication.trust_id"},
		{"PA-007 a time of creation", 400, with("created_at", "2031-03-01T09:00:00Z"), "preauthentication.created_at"},
		{"PA-007 an unknown member", 400, with("color", "red"), "preauthentication.color"},
		{"PA-007 a member beside it", 400, func() object { b := w.arrangement(); b["color"] = 1; return b }(), "the body"},
		{"PA-007 no object", 400, "{}", "preauthentication"},
		{"PA-007 null", 400, `{"preauthentication": null}`, "preauthentication"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.post(w.adas, c.body)
			require.Equal(t, c.status, r.Status, r.Text)
			assert.Contains(t, r.Member("error")["message"], c.names)
			assert.Equal(t, before, w.trusts(), "nothing was made")
		})
	}
	t.Run("PA-008 no token", func(t *testing.T) {
		assert.Equal(t, http.StatusUnauthorized, w.post("", w.arrangement()).Status)
		assert.Equal(t, http.StatusUnauthorized, w.post("garbage", w.arrangement()).Status)
	})
	t.Run("PA-009 for another user", func(t *testing.T) {
		for _, token := range []string{w.bobs, w.Admin()} {
			r := w.post(token, w.arrangement())
			assert.Equal(t, http.StatusNotFound, r.Status, r.Text)
			assert.Equal(t, http.StatusNotFound, w.post(token, "{}").Status, "whatever the body")
		}
		assert.Equal(t, before, w.trusts())
	})
	t.Run("PA-010 with a domain- or system-scoped token", func(t *testing.T) {
		w.Must(http.StatusNoContent, "PUT", "/v3/domains/default/users/"+w.ada+"/roles/"+w.operator, w.Admin(), nil)
		w.Must(http.StatusNoContent, "PUT", "/v3/system/users/"+w.ada+"/roles/"+w.operator, w.Admin(), nil)
		for _, scope := range []any{service.OnDomain("default"), service.OnSystem()} {
			token := w.Login("ada", "pw-ada", scope)
			assert.Equal(t, http.StatusForbidden, w.post(token, w.arrangement()).Status)
			assert.Equal(t, http.StatusForbidden, w.Do("GET", path(w.ada), token, nil).Status)
		}
	})
	t.Run("TR-025 the same twice", func(t *testing.T) {
		ends := object{"expires_at": "2031-04-01T00:00:00Z"}
		w.arrange(ends)
		assert.Equal(t, http.StatusConflict, w.post(w.adas, w.arrangement(ends)).Status)
	})
}

// ids of a list's members.
func ids(r service.Reply) []string {
	list := []string{}
	for _, p := range r.Body["preauthentications"].([]any) {
		list = append(list, p.(object)["id"].(string))
	}
	return list
}

func TestList(t *testing.T) {
	w := newWorld(t)
	get := func(query string) service.Reply { return w.Must(http.StatusOK, "GET", path(w.ada)+query, w.adas, nil) }
	t.Run("PA-022 none", func(t *testing.T) {
		r := get("")
		assert.Equal(t, object{
			"preauthentications": []any{}, "links": object{"self": service.Base + path(w.ada), "next": nil, "previous": nil},
		}, r.Body)
	})
	forBob, forEve := w.arrange()["id"].(string), w.arrange(object{"trustee_user_id": w.eve})["id"].(string)
	onShop := w.arrange(object{"project_id": w.shop})["id"].(string)
	all := []string{forBob, forEve, onShop}
	slices.Sort(all)
	t.Run("PA-020 all of mine", func(t *testing.T) {
		assert.Equal(t, all, ids(get("")))
		member := get("").Body["preauthentications"].([]any)[0].(object)
		assert.Equal(t, w.show(all[0]), member)
	})
	t.Run("PA-020 none of others", func(t *testing.T) {
		w.grant("PUT", w.bob, w.web, w.operator)
		bobs := w.Login("bob", "pw-bob", nil)
		w.Must(http.StatusCreated, "POST", path(w.bob), bobs, w.arrangement(object{"trustee_user_id": w.ada}))
		assert.Equal(t, all, ids(get("")))
		assert.Len(t, w.Must(http.StatusOK, "GET", path(w.bob), bobs, nil).Body["preauthentications"], 1)
	})
	t.Run("PA-020 in pages", func(t *testing.T) {
		r := get("?limit=2")
		assert.Equal(t, all[:2], ids(r))
		assert.Equal(t, true, r.Body["truncated"])
		next := r.Member("links")["next"].(string)
		assert.Equal(t, service.Base+path(w.ada)+"?limit=2&marker="+all[1], next)
		r = get(strings.TrimPrefix(next, service.Base+path(w.ada)))
		assert.Equal(t, all[2:], ids(r))
		assert.Nil(t, r.Member("links")["next"])
		assert.NotContains(t, r.Body, "truncated")
		assert.Equal(t, []string{}, ids(get("?marker="+all[2])))
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada)+"?marker="+strings.Repeat("0", 32), w.adas, nil).Status)
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada)+"?marker=nonsense", w.adas, nil).Status)
		assert.Equal(t, http.StatusBadRequest, w.Do("GET", path(w.ada)+"?limit=0", w.adas, nil).Status)
	})
	t.Run("PA-021 narrowed", func(t *testing.T) {
		assert.Equal(t, []string{forEve}, ids(get("?trustee_user_id="+w.eve)))
		assert.Equal(t, []string{onShop}, ids(get("?project_id="+w.shop)))
		assert.Equal(t, []string{forBob}, ids(get("?project_id="+w.web+"&trustee_user_id="+w.bob)))
		assert.Equal(t, []string{}, ids(get("?trustee_user_id=nobody")))
	})
	t.Run("PA-027 HEAD", func(t *testing.T) {
		r := w.Do("HEAD", path(w.ada), w.adas, nil)
		assert.Equal(t, http.StatusOK, r.Status)
		assert.Empty(t, r.Text)
	})
}

func TestGet(t *testing.T) {
	w := newWorld(t)
	made := w.arrange(object{"description": "mine"})
	id := made["id"].(string)
	t.Run("PA-023 mine", func(t *testing.T) {
		assert.Equal(t, made, w.show(id))
	})
	unknown := w.Do("GET", path(w.ada, strings.Repeat("0", 32)), w.adas, nil)
	t.Run("PA-024 unknown", func(t *testing.T) {
		assert.Equal(t, http.StatusNotFound, unknown.Status)
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada, "nonsense"), w.adas, nil).Status)
	})
	t.Run("PA-025 of another", func(t *testing.T) {
		w.Must(http.StatusNoContent, "PUT", "/v3/system/users/"+w.eve+"/roles/"+w.operator, w.Admin(), nil)
		toHerself := w.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", w.adas, object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": w.ada, "project_id": w.web, "impersonation": true, "roles": []any{object{"id": w.operator}},
		}}).Member("trust")["id"].(string)
		strangers := map[string]string{
			"the creator by a trust to herself": w.Login("ada", "pw-ada", service.ByTrust(toHerself)),
			"the delegate":                      w.bobs, "an admin": w.Admin(), "somebody": w.eves,
			"the system":             w.Login("eve", "pw-eve", service.OnSystem()),
			"the creator's own name": w.fetched(""),
		}
		for who, token := range strangers {
			for _, user := range []string{w.ada, "nobody"} {
				for _, c := range []struct {
					method, path string
					body         any
				}{
					{"GET", path(user, id), nil}, {"HEAD", path(user, id), nil}, {"DELETE", path(user, id), nil},
					{"PATCH", path(user, id), wrap(object{"description": "taken"})}, {"PATCH", path(user, id), `{"color": 1}`},
					{"GET", path(user), nil}, {"HEAD", path(user), nil}, {"POST", path(user), w.arrangement()},
				} {
					r := w.Do(c.method, c.path, token, c.body)
					require.Equal(t, http.StatusNotFound, r.Status, "%s: %s %s: %s", who, c.method, c.path, r.Text)
					if c.method != "GET" || c.path != path(w.ada, id) {
						continue
					}
					assert.Equal(t, strings.ReplaceAll(unknown.Text, strings.Repeat("0", 32), id), r.Text, "the same words")
					for _, headers := range []http.Header{unknown.Header, r.Header} {
						headers.Del("X-Openstack-Request-Id")
					}
					assert.Equal(t, unknown.Header, r.Header)
				}
			}
		}
		assert.Equal(t, made, w.show(id))
	})
	t.Run("PA-027 HEAD", func(t *testing.T) {
		r := w.Do("HEAD", path(w.ada, id), w.adas, nil)
		assert.Equal(t, http.StatusOK, r.Status)
		assert.Empty(t, r.Text)
	})
	t.Run("PA-028 PUT", func(t *testing.T) {
		assert.Equal(t, http.StatusMethodNotAllowed, w.Do("PUT", path(w.ada, id), w.adas, wrap(object{})).Status)
	})
}

func TestUpdate(t *testing.T) {
	w := newWorld(t)
	t.Run("PA-030 other roles", func(t *testing.T) {
		old := w.arrange(object{"description": "servers", "remaining_uses": 5, "expires_at": "2031-06-01T00:00:00Z"})
		id := old["id"].(string)
		token := w.fetched("")
		require.Equal(t, http.StatusOK, w.Validate(token).Status)
		w.clock.Advance(time.Minute)
		r := w.patch(id, object{"roles": []any{object{"name": "watcher"}}})
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		now := r.Member("preauthentication")
		assert.NotEqual(t, old["trust_id"], now["trust_id"])
		assert.Equal(t, http.StatusNotFound, w.trust(old["trust_id"].(string)).Status)
		assert.Equal(t, http.StatusNotFound, w.Validate(token).Status, "tokens of the old trust die")
		trust := w.trust(now["trust_id"].(string)).Member("trust")
		assert.Equal(t, w.watcher, trust["roles"].([]any)[0].(object)["id"])
		assert.Equal(t, 4.0, trust["remaining_uses"], "what was left")
		old["trust_id"], old["roles"], old["remaining_uses"] = now["trust_id"], []any{object{"id": w.watcher, "name": "watcher"}}, 4.0
		old["updated_at"] = "2031-03-01T09:01:00.000000Z"
		assert.Equal(t, old, now)
		assert.Equal(t, now, w.show(id))
		assert.Len(t, w.trusts(), 1)
		w.Drain() // the cascade of the old trust leaves the new one alone
		assert.Equal(t, now, w.show(id))
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-030 nothing that is wrong changes anything", func(t *testing.T) {
		old := w.arrange()
		for _, c := range []struct {
			status int
			patch  object
		}{
			{404, object{"roles": []any{object{"id": w.foreign}}}}, {404, object{"trustee_user_id": "nobody"}},
			{404, object{"project_id": "nowhere"}}, {404, object{"project_id": w.shop, "roles": []any{object{"id": w.watcher}}}},
			{400, object{"roles": []any{}}}, {400, object{"project_id": nil}}, {400, object{"expires_at": "2031-01-01T00:00:00Z"}},
			{400, object{"remaining_uses": 0}}, {403, object{"allow_redelegation": true, "redelegation_count": 9}},
		} {
			r := w.patch(old["id"].(string), c.patch)
			assert.Equal(t, c.status, r.Status, "%v: %s", c.patch, r.Text)
		}
		assert.Equal(t, old, w.show(old["id"].(string)))
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, old["id"].(string)), w.adas, nil)
	})
	t.Run("PA-031 another delegate", func(t *testing.T) {
		id := w.arrange()["id"].(string)
		require.Equal(t, http.StatusNotFound, w.fetch(w.eves, "").Status)
		require.Equal(t, http.StatusOK, w.patch(id, object{"trustee_user_id": w.eve}).Status)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "").Status)
		assert.Equal(t, http.StatusCreated, w.fetch(w.eves, "").Status)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-032 another end", func(t *testing.T) {
		id := w.arrange(object{"expires_at": "2031-05-01T00:00:00Z", "remaining_uses": 3})["id"].(string)
		r := w.patch(id, object{"expires_at": "2031-07-01T00:00:00Z"})
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		assert.Equal(t, "2031-07-01T00:00:00.000000Z", r.Member("preauthentication")["expires_at"])
		r = w.patch(id, object{"expires_at": "2031-07-01T00:00:00Z"})
		assert.Equal(t, http.StatusOK, r.Status, "uniqueness is judged without the trust that is replaced")
		r = w.patch(id, object{"expires_at": nil, "remaining_uses": nil, "description": "for good"})
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		for name, want := range map[string]any{"expires_at": nil, "remaining_uses": nil, "description": "for good"} {
			assert.Equal(t, want, r.Member("preauthentication")[name], name)
		}
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-032 TR-025 the end of another trust", func(t *testing.T) {
		one, two := w.arrange(object{"expires_at": "2031-05-01T00:00:00Z"}), w.arrange(object{"expires_at": "2031-05-02T00:00:00Z"})
		assert.Equal(t, http.StatusConflict, w.patch(one["id"].(string), object{"expires_at": two["expires_at"]}).Status)
		assert.Equal(t, one, w.show(one["id"].(string)))
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, two["id"].(string)), w.adas, nil)
		assert.Equal(t, http.StatusOK, w.patch(one["id"].(string), object{"expires_at": two["expires_at"]}).Status)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, one["id"].(string)), w.adas, nil)
	})
	t.Run("PA-032 generations that may follow", func(t *testing.T) {
		id := w.arrange(object{"allow_redelegation": true})["id"].(string)
		for _, c := range []struct {
			patch object
			want  float64
		}{
			{object{"impersonation": false}, 3}, {object{"redelegation_count": 2}, 2}, {object{"impersonation": true}, 2},
			{object{"allow_redelegation": false}, 0}, {object{"redelegation_count": 2}, 0}, {object{"allow_redelegation": true}, 3},
		} {
			p := w.patch(id, c.patch).Member("preauthentication")
			assert.Equal(t, c.want, p["redelegation_count"], "%v", c.patch)
			assert.Equal(t, c.want > 0, p["allow_redelegation"], "%v", c.patch)
		}
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-033 nothing", func(t *testing.T) {
		old := w.arrange()
		for _, body := range []any{wrap(object{}), "{}"} {
			r := w.Must(http.StatusOK, "PATCH", path(w.ada, old["id"].(string)), w.adas, body)
			assert.Equal(t, old, r.Member("preauthentication"))
		}
	})
	t.Run("PA-033 the description alone replaces nothing", func(t *testing.T) {
		old := w.arrange(object{"project_id": w.shop})
		token := w.fetched("?project_id=" + w.shop)
		now := w.patch(old["id"].(string), object{"description": "moved"}).Member("preauthentication")
		assert.Equal(t, "moved", now["description"])
		assert.Equal(t, old["trust_id"], now["trust_id"])
		assert.NotNil(t, now["updated_at"])
		assert.Equal(t, http.StatusOK, w.Validate(token).Status)
		assert.Nil(t, w.patch(old["id"].(string), object{"description": nil}).Member("preauthentication")["description"])
	})
	t.Run("PA-034 what cannot be set", func(t *testing.T) {
		id := w.arrange()["id"].(string)
		for _, name := range []string{"user_id", "id", "trust_id", "created_at", "color"} {
			assert.Equal(t, http.StatusBadRequest, w.patch(id, object{name: w.ada}).Status, name)
		}
		for _, body := range []string{`{"preauthentication": null}`, `{"preauthentication": {}, "color": 1}`, `[]`, ``} {
			assert.Equal(t, http.StatusBadRequest, w.Do("PATCH", path(w.ada, id), w.adas, body).Status, body)
		}
	})
	t.Run("PA-035 deleted", func(t *testing.T) {
		id := w.arrange()["id"].(string)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
		for _, p := range []object{{"description": "x"}, {"impersonation": false}, {}} {
			assert.Equal(t, http.StatusNotFound, w.patch(id, p).Status)
		}
	})
	t.Run("PA-030 If-Match", func(t *testing.T) {
		id := w.arrange()["id"].(string)
		tag := func() string { return w.Must(http.StatusOK, "GET", path(w.ada, id), w.adas, nil).Header.Get("ETag") }
		first := tag()
		r := w.patch(id, object{"description": "x"}, "If-Match", first)
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		second := tag()
		assert.NotEqual(t, first, second)
		assert.Equal(t, second, r.Header.Get("ETag"))
		assert.Equal(t, http.StatusPreconditionFailed, w.patch(id, object{"impersonation": false}, "If-Match", first).Status)
		assert.Equal(t, http.StatusPreconditionFailed, w.patch(id, object{"impersonation": false}, "If-Match", "W/"+second).Status)
		assert.Equal(t, http.StatusOK, w.patch(id, object{"impersonation": false}, "If-Match", first+", "+second).Status)
		assert.NotEqual(t, second, tag())
		assert.Equal(t, http.StatusOK, w.patch(id, object{"impersonation": false}, "If-Match", "*").Status)
	})
}

// left are the items of the table that a pre-authentication and its trusts may leave.
func (w *world) left(id string, trusts ...string) (keys []string) {
	w.t.Helper()
	in := func(user string) {
		page, err := w.Table.Query(w.t.Context(), store.Partition(store.User(user)))
		require.NoError(w.t, err)
		for _, e := range page.Entries {
			for _, t := range append(trusts, id) {
				if strings.Contains(e.Key.SK, t) {
					keys = append(keys, e.Key.String())
				}
			}
		}
	}
	in(w.ada)
	in(w.bob)
	return keys
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	t.Run("PA-040 with its trust and its tokens", func(t *testing.T) {
		p := w.arrange()
		id, trust := p["id"].(string), p["trust_id"].(string)
		token := w.fetched("")
		require.Len(t, w.left(id, trust), 4)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
		assert.Equal(t, http.StatusNotFound, w.trust(trust).Status)
		assert.Equal(t, http.StatusNotFound, w.Validate(token).Status)
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada, id), w.adas, nil).Status)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "").Status)
		assert.Empty(t, w.left(id, trust))
	})
	t.Run("PA-041 again", func(t *testing.T) {
		id := w.arrange()["id"].(string)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
		w.Must(http.StatusNotFound, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-042 by deleting its trust", func(t *testing.T) {
		for _, token := range []string{w.adas, w.Admin()} {
			p := w.arrange()
			id, trust := p["id"].(string), p["trust_id"].(string)
			w.Must(http.StatusNoContent, "DELETE", "/v3/OS-TRUST/trusts/"+trust, token, nil)
			w.Must(http.StatusNotFound, "GET", path(w.ada, id), w.adas, nil)
			assert.Empty(t, ids(w.Must(http.StatusOK, "GET", path(w.ada), w.adas, nil)))
			assert.Empty(t, w.left(id, trust))
		}
	})
	t.Run("PA-043 the delegate deleted", func(t *testing.T) {
		guest := w.ID("users", "user", object{"name": "guest", "password": "pw-guest"})
		id := w.arrange(object{"trustee_user_id": guest})["id"].(string)
		w.Must(http.StatusNoContent, "DELETE", "/v3/users/"+guest, w.Admin(), nil)
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada, id), w.adas, nil).Status)
		assert.Empty(t, ids(w.Must(http.StatusOK, "GET", path(w.ada), w.adas, nil)))
		assert.Equal(t, http.StatusNotFound, w.patch(id, object{"trustee_user_id": w.bob}).Status)
	})
	t.Run("PA-043 the project deleted", func(t *testing.T) {
		id := w.arrange(object{"project_id": w.shop})["id"].(string)
		w.Must(http.StatusNoContent, "DELETE", "/v3/projects/"+w.shop, w.Admin(), nil)
		assert.Equal(t, http.StatusNotFound, w.Do("GET", path(w.ada, id), w.adas, nil).Status)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "").Status)
	})
	t.Run("PA-043 the creator deleted", func(t *testing.T) {
		w.arrange()
		token := w.fetched("")
		w.Must(http.StatusNoContent, "DELETE", "/v3/users/"+w.ada, w.Admin(), nil)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "").Status)
		assert.Equal(t, http.StatusNotFound, w.Validate(token).Status)
	})
}

func TestFetch(t *testing.T) {
	w := newWorld(t)
	p := w.arrange()
	id, trust := p["id"].(string), p["trust_id"].(string)
	t.Run("PA-050 a token in the creator's name", func(t *testing.T) {
		r := w.fetch(w.bobs, "")
		require.Equal(t, http.StatusCreated, r.Status, r.Text)
		token := r.Member("token")
		assert.Equal(t, w.ada, token["user"].(object)["id"])
		assert.Equal(t, object{
			"id": trust, "impersonation": true, "trustor_user": object{"id": w.ada}, "trustee_user": object{"id": w.bob},
		}, token["OS-TRUST:trust"])
		assert.Equal(t, w.web, token["project"].(object)["id"])
		assert.NotEmpty(t, token["catalog"])
		assert.Equal(t, "no-store", r.Header.Get("Cache-Control"))
		assert.NotContains(t, r.Text, id)
		assert.Equal(t, http.StatusOK, w.Validate(r.Header.Get("X-Subject-Token")).Status)
	})
	t.Run("PA-050 it descends from the caller's", func(t *testing.T) {
		own := w.Login("bob", "pw-bob", nil)
		r := w.fetch(own, "")
		token := r.Member("token")
		assert.Equal(t, []any{"password", "token"}, token["methods"])
		caller := w.Validate(own).Member("token")
		assert.Len(t, token["audit_ids"], 2)
		assert.Equal(t, caller["audit_ids"].([]any)[0], token["audit_ids"].([]any)[1])
		assert.Equal(t, caller["expires_at"], token["expires_at"])
		w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", own, nil, "X-Subject-Token", own)
		assert.Equal(t, http.StatusNotFound, w.Validate(r.Header.Get("X-Subject-Token")).Status)
	})
	t.Run("PA-050 not with a delegated token", func(t *testing.T) {
		assert.Equal(t, http.StatusForbidden, w.fetch(w.fetched(""), "").Status)
	})
	t.Run("PA-051 GET", func(t *testing.T) {
		r := w.Do("GET", "/v3/tokens/trusts/"+w.ada, w.bobs, nil)
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		assert.Equal(t, "no-store", r.Header.Get("Cache-Control"))
		assert.Equal(t, http.StatusOK, w.Validate(r.Header.Get("X-Subject-Token")).Status)
	})
	t.Run("PA-053 nothing arranged", func(t *testing.T) {
		stranger := w.fetch(w.eves, "")
		require.Equal(t, http.StatusNotFound, stranger.Status)
		nobody := w.Do("POST", "/v3/tokens/trusts/nobody", w.eves, nil)
		require.Equal(t, http.StatusNotFound, nobody.Status)
		assert.Equal(t, strings.ReplaceAll(stranger.Text, w.ada, "nobody"), nobody.Text)
		plain := w.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", w.adas, object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": w.eve, "project_id": w.web, "impersonation": true, "roles": []any{object{"id": w.operator}},
		}}).Member("trust")["id"].(string)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.eves, "").Status, "section 4: plain trusts are not looked at")
		assert.Equal(t, http.StatusNotFound, w.fetch(w.eves, "?trust_id="+plain).Status)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.eves, "?trust_id="+trust).Status, "another's")
		assert.Equal(t, http.StatusNotFound, w.Do("POST", "/v3/tokens/trusts/"+w.eve+"?trust_id="+trust, w.bobs, nil).Status, "not of that creator")
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		assert.Equal(t, http.StatusNotFound, w.Do("POST", "/v3/tokens/trusts/"+strings.Repeat("x", 3000), w.bobs, nil).Status)
	})
	t.Run("PA-054 several", func(t *testing.T) {
		other := w.arrange(object{"project_id": w.shop})
		assert.Equal(t, http.StatusConflict, w.fetch(w.bobs, "").Status)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		r := w.fetch(w.bobs, "?trust_id="+trust)
		require.Equal(t, http.StatusCreated, r.Status)
		assert.Equal(t, trust, r.Member("token")["OS-TRUST:trust"].(object)["id"])
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, other["id"].(string)), w.adas, nil)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "").Status)
	})
	t.Run("PA-056 the creator disabled", func(t *testing.T) {
		enable := func(on bool) {
			w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"enabled": on}})
		}
		enable(false)
		assert.Equal(t, http.StatusForbidden, w.fetch(w.bobs, "").Status)
		enable(true)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "").Status)
		w.login()
	})
	t.Run("PA-056 the creator lost a role", func(t *testing.T) {
		w.grant("DELETE", w.ada, w.web, w.operator)
		assert.Equal(t, http.StatusForbidden, w.fetch(w.bobs, "").Status)
		w.grant("PUT", w.ada, w.web, w.operator)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "").Status)
	})
	t.Run("PA-055 the project disabled", func(t *testing.T) {
		enable := func(on bool) {
			w.Must(http.StatusOK, "PATCH", "/v3/projects/"+w.web, w.Admin(), object{"project": object{"enabled": on}})
		}
		enable(false)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "").Status)
		enable(true)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "").Status)
	})
	t.Run("PA-057 no token", func(t *testing.T) {
		assert.Equal(t, http.StatusUnauthorized, w.fetch("", "").Status)
	})
	t.Run("PA-058 uses", func(t *testing.T) {
		limited := w.arrange(object{"project_id": w.shop, "remaining_uses": 3})
		w.fetched("?project_id=" + w.shop)
		assert.Equal(t, 2.0, w.show(limited["id"].(string))["remaining_uses"])
		assert.Equal(t, 2.0, w.trust(limited["trust_id"].(string)).Member("trust")["remaining_uses"])
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, limited["id"].(string)), w.adas, nil)
	})
	t.Run("PA-059 HEAD", func(t *testing.T) {
		limited := w.arrange(object{"project_id": w.shop, "remaining_uses": 3})
		r := w.Do("HEAD", "/v3/tokens/trusts/"+w.ada, w.bobs, nil)
		assert.Equal(t, http.StatusMethodNotAllowed, r.Status)
		assert.Equal(t, "GET, OPTIONS, POST", r.Header.Get("Allow"))
		assert.Equal(t, 3.0, w.show(limited["id"].(string))["remaining_uses"])
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, limited["id"].(string)), w.adas, nil)
	})
	t.Run("PA-055 used up, and given new life", func(t *testing.T) {
		limited := w.arrange(object{"project_id": w.shop, "remaining_uses": 1})
		id := limited["id"].(string)
		first := w.fetched("?project_id=" + w.shop)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "?trust_id="+limited["trust_id"].(string)).Status)
		assert.Equal(t, http.StatusOK, w.Validate(first).Status, "what was issued lives on")
		assert.Equal(t, 0.0, w.show(id)["remaining_uses"], "section 1: viewable")
		assert.Equal(t, http.StatusNotFound, w.trust(limited["trust_id"].(string)).Status)
		assert.Equal(t, http.StatusBadRequest, w.patch(id, object{"impersonation": false}).Status, "none left to carry over")
		require.Equal(t, http.StatusOK, w.patch(id, object{"remaining_uses": 1}).Status)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
	t.Run("PA-052 the creator's tokens have all expired", func(t *testing.T) {
		w.clock.Advance(3 * 365 * 24 * time.Hour)
		assert.Equal(t, http.StatusCreated, w.fetch(w.Login("bob", "pw-bob", nil), "").Status)
		w.later(0)
	})
	t.Run("PA-055 expired, kept, and given new life", func(t *testing.T) {
		until := w.clock.Now().Add(time.Hour).Format(time.RFC3339)
		kept := w.arrange(object{"project_id": w.shop, "expires_at": until})
		id := kept["id"].(string)
		page, err := w.Table.Query(t.Context(), store.Partition(store.User(w.ada)))
		require.NoError(t, err)
		for _, e := range page.Entries {
			assert.False(t, e.Item.Has(store.AttrTTL), "%s would be taken away", e.Key)
		}
		w.later(3 * 365 * 24 * time.Hour)
		assert.Equal(t, http.StatusNotFound, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		assert.Equal(t, kept, w.show(id), "section 1: viewable")
		assert.Contains(t, ids(w.Must(http.StatusOK, "GET", path(w.ada), w.adas, nil)), id)
		assert.Equal(t, http.StatusBadRequest, w.patch(id, object{"impersonation": false}).Status, "expired still")
		require.Equal(t, http.StatusOK, w.patch(id, object{"expires_at": nil}).Status)
		assert.Equal(t, http.StatusCreated, w.fetch(w.bobs, "?project_id="+w.shop).Status)
		w.Must(http.StatusNoContent, "DELETE", path(w.ada, id), w.adas, nil)
	})
}

// TestList_looks_at_a_bounded_number goes through more than one page of the table.
func TestList_looks_at_a_bounded_number(t *testing.T) {
	w := newWorld(t)
	want := map[string]bool{}
	for n := range 30 {
		who := []string{w.bob, w.eve}[n%2]
		want[w.arrange(object{"trustee_user_id": who})["id"].(string)] = who == w.eve
	}
	seen := 0
	for next := "?limit=4&trustee_user_id=" + w.eve; next != ""; {
		r := w.Must(http.StatusOK, "GET", path(w.ada)+next, w.adas, nil)
		for _, id := range ids(r) {
			assert.True(t, want[id])
			seen++
		}
		next, _ = r.Member("links")["next"].(string)
		next = strings.TrimPrefix(next, service.Base+path(w.ada))
	}
	assert.Equal(t, 15, seen, fmt.Sprint(want))
}
