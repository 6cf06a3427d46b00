package auth_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

const events = "/v3/OS-REVOKE/events"

// events are those that are listed once the stream was followed.
func (w *world) events(t *testing.T, query string) []object {
	t.Helper()
	w.Drain()
	return w.do(t, 200, "GET", events+query, w.admin(t), nil).list(t, "events")
}

// since is a query for what happens from now on.
func (w *world) since() string {
	at := w.clock.Now().Format("2006-01-02T15:04:05.000000Z")
	w.clock.Advance(time.Second)
	return "?since=" + url.QueryEscape(at)
}

func (w *world) audit(t *testing.T, token string) string {
	t.Helper()
	return w.validate(t, 200, token).token()["audit_ids"].([]any)[0].(string)
}

func TestRevokeEvents(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)})
	project := service.OnProject(w.web)
	t.Run("T-114_a_token_deleted", func(t *testing.T) {
		token := w.login(t, ada, project)
		audit, since := w.audit(t, token), w.since()
		w.do(t, 204, "DELETE", "/v3/auth/tokens", w.admin(t), nil, "X-Subject-Token", token)
		at := w.clock.Now().Truncate(time.Second).Format("2006-01-02T15:04:05.000000Z")
		require.ElementsMatch(t, []object{
			{"audit_id": audit, "issued_before": at, "revoked_at": at},
			{"audit_chain_id": audit, "issued_before": at, "revoked_at": at},
		}, w.events(t, since))
		w.Drain()
		require.Len(t, w.events(t, since), 2, "a stream given twice adds nothing")
	})
	t.Run("T-114_links_and_HEAD", func(t *testing.T) {
		r := w.do(t, 200, "GET", events, w.admin(t), nil)
		require.Equal(t, object{"self": service.Base + events, "next": nil, "previous": nil}, r.Body["links"])
		w.do(t, 200, "HEAD", events, w.admin(t), nil)
	})
	t.Run("T-115_since", func(t *testing.T) {
		before := w.since()
		w.as(t, 204, "DELETE", "/v3/users/"+ada.id+"/tokens", nil)
		require.Len(t, w.events(t, before), 1)
		require.Empty(t, w.events(t, w.since()))
	})
	t.Run("T-116_no_time", func(t *testing.T) {
		for _, wrong := range []string{"zz", "", "2031-03-01", "2031-03-01T09:00:00%2B02:00"} {
			w.do(t, 400, "GET", events+"?since="+wrong, w.admin(t), nil)
		}
	})
	t.Run("T-117_older_than_a_token_lives", func(t *testing.T) {
		for range 5 {
			w.as(t, 204, "DELETE", "/v3/users/"+ada.id+"/tokens", nil)
			w.clock.Advance(50 * time.Minute)
			w.adminToken = ""
		}
		require.Len(t, w.events(t, "?details=1"), 1, "no further back than a token's life and half an hour")
		since := url.QueryEscape(w.clock.Now().Add(-4 * time.Hour).Format("2006-01-02T15:04:05Z"))
		require.Len(t, w.events(t, "?details=1&since="+since), 1, "whatever is asked for")
	})
	t.Run("C-061_C-062_C-063_pages", func(t *testing.T) {
		for range 4 {
			w.as(t, 204, "DELETE", "/v3/users/"+ada.id+"/tokens", nil)
			w.clock.Advance(20 * time.Minute)
		}
		w.adminToken = ""
		all := w.events(t, "?details=1")
		var paged []object
		for next := events + "?details=1&limit=2"; next != ""; {
			r := w.do(t, 200, "GET", next, w.admin(t), nil)
			page := r.list(t, "events")
			require.LessOrEqual(t, len(page), 2)
			paged = append(paged, page...)
			link, more := r.Member("links")["next"].(string)
			require.Equal(t, more, r.Body["truncated"] == true)
			next = ""
			if more {
				next = link[len(service.Base):]
			}
		}
		require.Equal(t, all, paged)
		require.GreaterOrEqual(t, len(all), 4)
		w.do(t, 400, "GET", events+"?limit=0", w.admin(t), nil)
		for _, marker := range []string{"nothing", "1930208400250000-00000000000000000000000000000000"} {
			w.do(t, 404, "GET", events+"?marker="+marker, w.admin(t), nil)
		}
	})
	t.Run("C-076_a_member", func(t *testing.T) {
		w.do(t, 403, "GET", events, w.login(t, ada, project), nil)
		w.do(t, 401, "GET", events, "", nil)
	})
}

// TestRevokeEventsOfEveryKill: what section 6 of tokens-v3.md says that is told of each,
// and by whom; once only, however often the stream is followed.
func TestRevokeEventsOfEveryKill(t *testing.T) {
	w := newWorld(t)
	admin := w.validate(t, 200, w.admin(t)).token()["user"].(object)["id"].(string)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onProject(w.web)})
	group := w.make(t, "group", object{"name": "crew"})
	role := w.make(t, "role", object{"name": "passing"})
	project := w.make(t, "project", object{"name": "passing"})
	user := w.make(t, "user", object{"name": "passing"})
	w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+user, nil)
	token := w.login(t, ada, nil)
	consumer := w.as(t, 201, "POST", "/v3/OS-OAUTH1/consumers", object{"consumer": object{}}).Member("consumer")["id"].(string)
	type told = map[string]string
	for _, c := range []struct {
		name, method, path string
		body               object
		status             int
		want               []told // with the type; "keystone" says that Keystone lists it
	}{
		{"T-100_password", "PATCH", "/v3/users/" + user, object{"user": object{"password": "other"}}, 200, []told{{"type": "user.password_changed", "user_id": user, "keystone": "yes"}}},
		{"T-110_group_deleted", "DELETE", "/v3/groups/" + group, nil, 204, []told{{"type": "group.deleted", "group_id": group}, {"type": "user.left_group", "user_id": user, "keystone": "yes"}}},
		{"T-102_user_disabled", "PATCH", "/v3/users/" + user, object{"user": object{"enabled": false}}, 200, []told{{"type": "user.disabled", "user_id": user, "keystone": "yes"}}},
		{"T-102_user_enabled_again", "PATCH", "/v3/users/" + user, object{"user": object{"enabled": true}}, 200, nil},
		{"T-113_user_deleted", "DELETE", "/v3/users/" + user, nil, 204, []told{{"type": "user.deleted", "user_id": user, "keystone": "yes"}}},
		{"T-103_project_disabled", "PATCH", "/v3/projects/" + project, object{"project": object{"enabled": false}}, 200, []told{{"type": "project.disabled", "project_id": project}}},
		{"T-103_project_enabled_again", "PATCH", "/v3/projects/" + project, object{"project": object{"enabled": true}}, 200, nil},
		{"T-104_project_deleted", "DELETE", "/v3/projects/" + project, nil, 204, []told{{"type": "project.deleted", "project_id": project, "keystone": "yes"}}},
		{"T-106_one_of_two_roles", "DELETE", "/v3/projects/" + w.web + "/users/" + ada.id + "/roles/" + w.roles["reader"], nil, 204, []told{{"type": "grant.taken", "user_id": ada.id, "project_id": w.web, "role_id": w.roles["reader"]}}},
		{"T-107_the_last_role", "DELETE", "/v3/projects/" + w.web + "/users/" + ada.id + "/roles/" + w.roles["member"], nil, 204, []told{{"type": "grant.taken", "user_id": ada.id, "project_id": w.web, "role_id": w.roles["member"]}}},
		{"T-109_role_deleted", "DELETE", "/v3/roles/" + role, nil, 204, []told{{"type": "role.deleted", "role_id": role}}},
		{"T-105_domain_disabled", "PATCH", "/v3/domains/" + w.research, object{"domain": object{"enabled": false}}, 200, []told{{"type": "domain.disabled", "domain_id": w.research}}},
		{"T-120_all_tokens_of_a_user", "DELETE", "/v3/users/" + ada.id + "/tokens", nil, 204, []told{{"type": "user.tokens_revoked", "user_id": ada.id, "keystone": "yes"}}},
		{"O-140_consumer_deleted", "DELETE", "/v3/OS-OAUTH1/consumers/" + consumer, nil, 204, []told{{"type": "consumer.deleted", "OS-OAUTH1:consumer_id": consumer, "keystone": "yes"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.Drain()
			since := w.since()
			r := w.as(t, c.status, c.method, c.path, c.body)
			w.Drain()
			shown := w.events(t, since+"&details=1")
			require.Len(t, shown, len(c.want))
			var keystone []told
			for _, want := range c.want {
				if want["keystone"] != "" {
					keystone = append(keystone, want)
				}
				delete(want, "keystone")
				var found object
				for _, e := range shown {
					if e["type"] == want["type"] {
						found = e
					}
				}
				for name, v := range want {
					require.Equal(t, v, found[name], "%s of %v", name, shown)
				}
				if want["type"] != "user.left_group" { // that was the cascade
					require.Equal(t, admin, found["by"])
					require.Equal(t, r.Header.Get("X-Openstack-Request-Id"), found["request_id"])
				}
			}
			require.Len(t, w.events(t, since), len(keystone))
		})
	}
	require.NotEmpty(t, token)
}
