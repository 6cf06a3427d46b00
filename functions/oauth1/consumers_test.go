package oauth1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestConsumers(t *testing.T) {
	w := newWorld(t)
	admin := w.Admin()
	post := func(body any) service.Reply { return w.Do("POST", consumers, admin, body) }

	var id string
	t.Run("O-001_create", func(t *testing.T) {
		made := is(t, 201, post(object{"consumer": object{"description": "x"}})).Member("consumer")
		id = made["id"].(string)
		require.Regexp(t, `^[0-9a-f]{32}$`, id)
		require.Regexp(t, `^[0-9a-f]{32}$`, made["secret"])
		require.Equal(t, object{"id": id, "secret": made["secret"], "description": "x", "links": object{"self": service.Base + consumers + "/" + id}}, made)
	})
	t.Run("O-002_without_description", func(t *testing.T) {
		made := is(t, 201, post(object{"consumer": object{}})).Member("consumer")
		require.Contains(t, made, "description")
		require.Nil(t, made["description"])
		is(t, 201, post(object{"consumer": object{"description": nil}}))
	})
	t.Run("O-003_no_consumer", func(t *testing.T) {
		require.Nil(t, is(t, 201, post(object{})).Member("consumer")["description"])
	})
	t.Run("O-004_no_object", func(t *testing.T) {
		for _, v := range []any{nil, "x", 7, []any{}, true} {
			is(t, 400, post(object{"consumer": v}))
		}
	})
	t.Run("O-005_other_attributes", func(t *testing.T) {
		made := is(t, 201, post(object{"consumer": object{"a:b-c": 1, "id": "mine", "secret": "mine"}})).Member("consumer")
		require.EqualValues(t, 1, made["a_b_c"])
		require.NotEqual(t, "mine", made["id"])
		require.NotEqual(t, "mine", made["secret"])
		shown := is(t, 200, w.Do("GET", consumers+"/"+made["id"].(string), admin, nil)).Member("consumer")
		require.EqualValues(t, 1, shown["a_b_c"])
		changed := is(t, 200, w.Do("PATCH", consumers+"/"+made["id"].(string), admin, object{"consumer": object{"d-e": "f"}})).Member("consumer")
		require.EqualValues(t, 1, changed["a_b_c"])
		require.Equal(t, "f", changed["d_e"])
	})
	t.Run("O-006_description_of_another_type", func(t *testing.T) {
		for _, v := range []any{1, true, []any{}, object{}, strings.Repeat("é", 65)} {
			is(t, 400, post(object{"consumer": object{"description": v}}))
			is(t, 400, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{"description": v}}))
		}
		is(t, 201, post(object{"consumer": object{"description": strings.Repeat("é", 64)}}))
	})
	t.Run("O-007_no_token", func(t *testing.T) {
		is(t, 401, w.Do("POST", consumers, "", object{"consumer": object{}}))
	})
	t.Run("O-008_a_member", func(t *testing.T) {
		for _, c := range [][2]string{{"POST", ""}, {"GET", ""}, {"GET", "/" + id}, {"PATCH", "/" + id}, {"DELETE", "/" + id}} {
			is(t, 403, w.Do(c[0], consumers+c[1], w.adas, nil))
		}
		w.Must(204, "PUT", "/v3/domains/default/users/"+w.bob+"/roles/"+w.role("admin"), admin, nil)
		domain := w.Login("bob", "pw-bob", service.OnDomain("default"))
		is(t, 403, w.Do("GET", consumers, domain, nil))
	})
	t.Run("O-009_show", func(t *testing.T) {
		shown := is(t, 200, w.Do("GET", consumers+"/"+id, admin, nil)).Member("consumer")
		require.Equal(t, object{"id": id, "description": "x", "links": object{"self": service.Base + consumers + "/" + id}}, shown)
	})
	t.Run("O-010_unknown", func(t *testing.T) { is(t, 404, w.Do("GET", consumers+"/nope", admin, nil)) })
	t.Run("O-011_list", func(t *testing.T) {
		r := is(t, 200, w.Do("GET", consumers, admin, nil))
		require.NotContains(t, r.Text, "secret")
		require.Equal(t, object{"next": nil, "previous": nil, "self": service.Base + consumers}, r.Body["links"])
		found := false
		for _, m := range r.Body["consumers"].([]any) {
			one := m.(object)
			require.Equal(t, service.Base+consumers+"/"+one["id"].(string), one["links"].(object)["self"])
			found = found || one["id"] == id
		}
		require.True(t, found)
	})
	t.Run("O-012_head", func(t *testing.T) {
		for _, path := range []string{consumers, consumers + "/" + id} {
			r := is(t, 200, w.Do("HEAD", path, admin, nil))
			require.Empty(t, r.Text)
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		}
	})
	t.Run("O-013_update", func(t *testing.T) {
		changed := is(t, 200, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{"description": "y"}})).Member("consumer")
		require.Equal(t, object{"id": id, "description": "y", "links": object{"self": service.Base + consumers + "/" + id}}, changed)
		changed = is(t, 200, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{"description": nil}})).Member("consumer")
		require.Nil(t, changed["description"])
	})
	t.Run("O-014_secret", func(t *testing.T) {
		is(t, 400, w.Do("PATCH", consumers+"/"+w.consumer.id, admin, object{"consumer": object{"secret": "mine"}}))
		is(t, 201, w.send(w.asking()))
	})
	t.Run("O-015_another_id", func(t *testing.T) {
		is(t, 400, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{"id": "other"}}))
		is(t, 200, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{"id": id}}))
	})
	t.Run("O-016_nothing_to_change", func(t *testing.T) {
		is(t, 400, w.Do("PATCH", consumers+"/"+id, admin, object{"consumer": object{}}))
		is(t, 400, w.Do("PATCH", consumers+"/"+id, admin, object{}))
	})
	t.Run("O-017_unknown_to_change", func(t *testing.T) {
		is(t, 404, w.Do("PATCH", consumers+"/nope", admin, object{"consumer": object{"description": "y"}}))
		is(t, 404, w.Do("DELETE", consumers+"/nope", admin, nil))
	})
	t.Run("O-018_delete", func(t *testing.T) {
		r := is(t, 204, w.Do("DELETE", consumers+"/"+id, admin, nil))
		require.Empty(t, r.Text)
		require.Empty(t, r.Header.Get("Content-Type"))
		is(t, 404, w.Do("GET", consumers+"/"+id, admin, nil))
		is(t, 404, w.Do("DELETE", consumers+"/"+id, admin, nil))
		require.NotContains(t, w.Do("GET", consumers, admin, nil).Text, id)
	})
	t.Run("O-019_a_reader_of_the_system", func(t *testing.T) {
		w.Must(204, "PUT", "/v3/system/users/"+w.bob+"/roles/"+w.role("reader"), admin, nil)
		token := w.Login("bob", "pw-bob", service.OnSystem())
		is(t, 200, w.Do("GET", consumers, token, nil))
		is(t, 200, w.Do("GET", consumers+"/"+w.consumer.id, token, nil))
		is(t, 403, w.Do("POST", consumers, token, object{"consumer": object{}}))
	})
	t.Run("O-020_nothing_is_unique", func(t *testing.T) {
		is(t, 201, post(object{"consumer": object{"description": "same"}}))
		is(t, 201, post(object{"consumer": object{"description": "same"}}))
	})
}
