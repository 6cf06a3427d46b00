package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestRescope(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onProject(w.shop)},
		grant{"reader", onDomain(w.research)}, grant{"reader", onSystem})
	project, other, domain := service.OnProject(w.web), service.OnProject(w.shop), service.OnDomain(w.research)

	t.Run("T-040_unscoped_to_project", func(t *testing.T) {
		first := w.ask(t, 201, ada.by("unscoped"))
		w.clock.Advance(10 * time.Minute)
		second := w.ask(t, 201, service.TokenAuth(first.subject(), project))
		require.Equal(t, first.token()["expires_at"], second.token()["expires_at"])
		require.NotEqual(t, first.token()["issued_at"], second.token()["issued_at"])
		require.ElementsMatch(t, []any{"token", "password"}, second.token()["methods"])
		root := first.token()["audit_ids"].([]any)[0]
		ids := second.token()["audit_ids"].([]any)
		require.Len(t, ids, 2)
		require.NotEqual(t, root, ids[0])
		require.Equal(t, root, ids[1])

		w.clock.Advance(time.Minute)
		third := w.ask(t, 201, service.TokenAuth(second.subject(), other)) // at any depth
		require.Equal(t, root, third.token()["audit_ids"].([]any)[1])
		require.NotEqual(t, ids[0], third.token()["audit_ids"].([]any)[0])
		require.Equal(t, first.token()["expires_at"], third.token()["expires_at"])
		require.Equal(t, third.token(), w.validate(t, 200, third.subject()).token(), "nothing moves when it is validated")
	})
	t.Run("T-041_project_to_anything", func(t *testing.T) {
		token := w.login(t, ada, project)
		require.Equal(t, w.shop, w.ask(t, 201, service.TokenAuth(token, other)).token()["project"].(object)["id"])
		require.Equal(t, w.research, w.ask(t, 201, service.TokenAuth(token, domain)).token()["domain"].(object)["id"])
		shown := w.ask(t, 201, service.TokenAuth(token, "unscoped")).token()
		require.NotContains(t, shown, "roles")
		require.Len(t, shown["audit_ids"], 2)
	})
	t.Run("T-042_domain_to_project", func(t *testing.T) {
		w.ask(t, 201, service.TokenAuth(w.login(t, ada, domain), project))
	})
	t.Run("T-043_system_to_project_or_domain", func(t *testing.T) {
		token := w.login(t, ada, service.OnSystem())
		w.ask(t, 403, service.TokenAuth(token, project))
		w.ask(t, 403, service.TokenAuth(token, domain))
	})
	t.Run("T-044_trust_to_anything", func(t *testing.T) {
		for _, impersonation := range []bool{true, false} {
			token, id, _, _ := w.entrusted(t, object{"impersonation": impersonation})
			for _, scope := range []any{nil, "unscoped", project, domain, service.OnSystem(), service.ByTrust(id)} {
				w.ask(t, 403, service.TokenAuth(token, scope))
			}
		}
	})
	t.Run("T-048_no_scope_and_no_default_project", func(t *testing.T) {
		shown := w.ask(t, 201, service.TokenAuth(w.login(t, ada, nil), nil)).token()
		require.ElementsMatch(t, []string{"methods", "user", "audit_ids", "expires_at", "issued_at"}, members(shown))
	})
	t.Run("T-049_where_she_holds_no_role", func(t *testing.T) {
		plain := w.login(t, w.person(t), nil)
		for _, scope := range []any{project, domain, service.OnSystem()} {
			w.ask(t, 401, service.TokenAuth(plain, scope))
		}
	})
	t.Run("T-050_expired", func(t *testing.T) {
		token := w.login(t, ada, nil)
		w.clock.Advance(time.Hour)
		w.ask(t, 404, service.TokenAuth(token, project))
		w.ask(t, 404, service.TokenAuth("garbage", project))
		revoked := w.login(t, ada, nil)
		w.do(t, 204, "DELETE", "/v3/auth/tokens", revoked, nil, "X-Subject-Token", revoked)
		w.ask(t, 404, service.TokenAuth(revoked, project))
	})
	both := func(p person, token string, scope any) object {
		auth := object{"identity": object{
			"methods": []string{"password", "token"}, "token": object{"id": token},
			"password": object{"user": object{"id": p.id, "password": p.password}},
		}}
		if scope != nil {
			auth["scope"] = scope
		}
		return object{"auth": auth}
	}
	t.Run("T-051_two_methods_of_two_users", func(t *testing.T) {
		bob := w.person(t)
		w.ask(t, 401, both(ada, w.login(t, bob, nil), nil))
		token := w.login(t, ada, nil)
		end := w.validate(t, 200, token).token()["expires_at"]
		w.clock.Advance(time.Minute)
		shown := w.ask(t, 201, both(ada, token, project)).token()
		require.ElementsMatch(t, []any{"password", "token"}, shown["methods"])
		require.Equal(t, end, shown["expires_at"], "the earliest end wins")
		w.ask(t, 401, both(person{id: ada.id, password: "wrong"}, token, project))
		w.ask(t, 404, both(ada, "garbage", project))
	})
}

func TestRescopeSwitchedOff(t *testing.T) {
	w := newWorld(t, service.WithVariable("ALLOW_RESCOPE_SCOPED_TOKEN", "false"))
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onDomain(w.research)}, grant{"reader", onSystem})
	t.Run("T-047_scoped_tokens_stay_what_they_are", func(t *testing.T) {
		project, domain := service.OnProject(w.web), service.OnDomain(w.research)
		for _, from := range []any{project, domain, service.OnSystem()} {
			token := w.login(t, ada, from)
			for _, to := range []any{nil, "unscoped", project, domain, service.OnSystem()} {
				w.ask(t, 403, service.TokenAuth(token, to))
			}
		}
		w.ask(t, 201, service.TokenAuth(w.login(t, ada, nil), project))
	})
}
