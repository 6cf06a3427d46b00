package v2

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestIssueByPassword(t *testing.T) {
	w := build(t)
	t.Run("V2-001_unscoped", func(t *testing.T) {
		r := w.ask(password("ada", "pw-ada", nil))
		a := shown(t, r)
		require.Len(t, a.audits(), 1)
		issued, expires := a.part("token")["issued_at"].(string), a.part("token")["expires"].(string)
		assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$`, issued)
		from, err := time.Parse(time.RFC3339, issued)
		require.NoError(t, err)
		to, err := time.Parse(time.RFC3339, expires)
		require.NoError(t, err)
		assert.Equal(t, time.Hour, to.Sub(from))
		assert.Equal(t, object{
			"token":          object{"id": a.id(), "issued_at": issued, "expires": expires, "audit_ids": a.audits()},
			"user":           object{"id": w.ada, "name": "ada", "username": "ada", "roles": []any{}, "roles_links": []any{}},
			"serviceCatalog": []any{}, "metadata": object{"roles": []any{}, "is_admin": 0.0},
		}, object(a))
		assert.Empty(t, r.Header.Get("X-Subject-Token"))
		assert.LessOrEqual(t, len(a.id()), 255)
	})
	for name, body := range map[string]object{
		"V2-002_tenantName":                 password("ada", "pw-ada", object{"tenantName": "web"}),
		"V2-002_tenantId":                   password("ada", "pw-ada", tenantID(w.web)),
		"V2-002_tenantId_before_tenantName": password("ada", "pw-ada", object{"tenantId": w.web, "tenantName": "nobody's"}),
		"V2-003_userId":                     with(object{"passwordCredentials": object{"userId": w.ada, "password": "pw-ada"}}, tenantID(w.web)),
		"V2-003_username_before_userId":     with(object{"passwordCredentials": object{"userId": w.bob, "username": "ada", "password": "pw-ada"}}, tenantID(w.web)),
	} {
		t.Run(name, func(t *testing.T) {
			a := w.login(t, body)
			assert.Equal(t, object{"id": w.web, "name": "web", "description": "the site", "enabled": true}, a.tenant())
			assert.Equal(t, object{"id": w.ada, "name": "ada", "username": "ada", "roles": []any{object{"name": "operator"}}, "roles_links": []any{}}, a.part("user"))
			assert.Equal(t, object{"roles": []any{w.role}, "is_admin": 0.0}, a.part("metadata"))
			assert.NotContains(t, a, "trust")
			require.Len(t, a.catalog(), 1)
			identity := a.catalog()[0].(object)
			assert.Equal(t, "identity", identity["type"])
			assert.Equal(t, "keystone", identity["name"])
			assert.Equal(t, []any{}, identity["endpoints_links"])
			require.Len(t, identity["endpoints"], 1)
			e := identity["endpoints"].([]any)[0].(object)
			assert.Len(t, e["id"], 32)
			delete(e, "id")
			url := service.Base + "/v3"
			assert.Equal(t, object{"region": "RegionOne", "publicURL": url, "internalURL": url, "adminURL": url}, e)
		})
	}
	t.Run("V2-001_a_default_project_is_not_looked_at", func(t *testing.T) {
		w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.watcher, w.Admin(), object{"user": object{"default_project_id": w.web}})
		assert.Nil(t, w.login(t, password("watcher", "pw-watcher", nil)).tenant())
	})
	for name, body := range map[string]object{
		"V2-004_wrong_password":                   password("ada", "wrong", nil),
		"V2-004_empty_password":                   password("ada", "", nil),
		"V2-004_unknown_user":                     password("nobody", "pw-ada", nil),
		"V2-004_unknown_userId":                   with(object{"passwordCredentials": object{"userId": "nobody", "password": "pw-ada"}}, nil),
		"V2-005_user_disabled":                    password("off", "pw-off", nil),
		"V2-006_unknown_tenantId":                 password("ada", "pw-ada", tenantID("nothing")),
		"V2-006_unknown_tenantName":               password("ada", "pw-ada", object{"tenantName": "nothing"}),
		"V2-006_disabled_tenantId":                password("ada", "pw-ada", tenantID(w.shut)),
		"V2-006_disabled_tenantName":              password("ada", "pw-ada", object{"tenantName": "shut"}),
		"V2-006_no_role_there":                    password("ada", "pw-ada", tenantID(w.other)),
		"V2-007_user_of_another_domain_by_name":   password("eve", "pw-eve", nil),
		"V2-007_tenant_of_another_domain_by_name": password("ada", "pw-ada", object{"tenantName": "far"}),
		"V2-008_user_of_another_domain_by_id":     with(object{"passwordCredentials": object{"userId": w.eve, "password": "pw-eve"}}, nil),
		"V2-008_and_a_tenant":                     with(object{"passwordCredentials": object{"userId": w.eve, "password": "pw-eve"}}, tenantID(w.far)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(body), http.StatusUnauthorized) })
	}
	t.Run("C-008_where_to_sign_in_is_named_without_a_version", func(t *testing.T) {
		assert.Equal(t, `Keystone uri="http://identity.test"`, w.ask(password("ada", "wrong", nil)).Header.Get("WWW-Authenticate"))
		assert.Equal(t, `Keystone uri="http://identity.test"`, w.get("x", "").Header.Get("WWW-Authenticate"))
		assert.Equal(t, `Keystone uri="http://identity.test/v3"`, w.Do("GET", "/v3/auth/tokens", "", nil).Header.Get("WWW-Authenticate"))
	})
}

func TestIssueOfWhatIsNotARequest(t *testing.T) {
	w := build(t)
	long := strings.Repeat("é", 65)
	credentials := func(c object) object { return object{"auth": object{"passwordCredentials": c}} }
	for name, body := range map[string]any{
		"V2-009_no_password":              credentials(object{"username": "ada"}),
		"V2-009_password_null":            credentials(object{"username": "ada", "password": nil}),
		"V2-009_neither_username_nor_id":  credentials(object{"password": "pw-ada"}),
		"V2-009_both_empty":               credentials(object{"username": "", "userId": "", "password": "pw-ada"}),
		"V2-009_credentials_empty":        credentials(object{}),
		"V2-009_credentials_null":         object{"auth": object{"passwordCredentials": nil}},
		"V2-010_no_auth":                  object{"x": 1},
		"V2-010_auth_null":                object{"auth": nil},
		"V2-010_auth_empty":               object{"auth": object{}},
		"V2-010_auth_a_string":            object{"auth": "ada"},
		"V2-010_no_body":                  "",
		"V2-010_not_JSON":                 `{"auth": `,
		"V2-010_a_list":                   `[]`,
		"V2-010_a_password_that_is_none":  credentials(object{"username": "ada", "password": 1}),
		"V2-010_only_a_tenant":            object{"auth": tenantID(w.web)},
		"V2-011_username":                 password(long, "pw-ada", nil),
		"V2-011_userId":                   credentials(object{"userId": long, "password": "pw-ada"}),
		"V2-011_tenantId":                 password("ada", "pw-ada", tenantID(long)),
		"V2-011_tenantName":               password("ada", "pw-ada", object{"tenantName": long}),
		"V2-011_password":                 password("ada", strings.Repeat("é", 4097), nil),
		"V2-011_token":                    offer(strings.Repeat("x", 256), nil),
		"V2-011_trust_id":                 password("ada", "pw-ada", trustOn(long, w.web)),
		"V2-015_no_id":                    object{"auth": object{"token": object{}, "tenantId": w.web}},
		"V2-015_id_null":                  object{"auth": object{"token": object{"id": nil}}},
		"V2-015_id_empty":                 offer("", nil),
		"V2-015_token_null":               object{"auth": object{"token": nil}},
		"V2-015_token_before_credentials": with(object{"token": object{}, "passwordCredentials": object{"username": "ada", "password": "pw-ada"}}, nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(body), http.StatusBadRequest) })
	}
	for name, body := range map[string]object{ // the longest that are looked at
		"V2-011_longest_username": password(strings.Repeat("é", 64), "pw-ada", nil),
		"V2-011_longest_tenant":   password("ada", "pw-ada", object{"tenantName": strings.Repeat("é", 64)}),
		"V2-011_longest_password": password("ada", strings.Repeat("é", 4096), nil),
		"V2-011_longest_token":    offer(strings.Repeat("x", 255), nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(body), http.StatusUnauthorized) })
	}
	t.Run("V2-058_XML", func(t *testing.T) {
		refused(t, w.Do("POST", "/v2.0/tokens", "", "<auth/>", "Content-Type", "application/xml"), http.StatusUnsupportedMediaType)
	})
	t.Run("V2-010_unknown_members_are_ignored", func(t *testing.T) {
		w.login(t, password("ada", "pw-ada", object{"whatever": object{}}))
	})
}

func TestIssueByToken(t *testing.T) {
	w := build(t)
	root := w.login(t, password("ada", "pw-ada", nil))
	t.Run("V2-012_for_a_tenant", func(t *testing.T) {
		w.ahead.Add(int64(time.Minute))
		a := w.login(t, offer(root.id(), tenantID(w.web)))
		assert.Equal(t, w.web, a.tenant()["id"])
		assert.Equal(t, root.part("token")["expires"], a.part("token")["expires"])
		require.Len(t, a.audits(), 2)
		assert.Equal(t, root.audits()[0], a.audits()[1])
		assert.NotEqual(t, a.audits()[0], a.audits()[1])
		byName := w.login(t, offer(root.id(), object{"tenantName": "web"}))
		assert.Equal(t, w.web, byName.tenant()["id"])
	})
	t.Run("V2-012_a_token_of_v3", func(t *testing.T) {
		a := w.login(t, offer(w.v3("ada", "pw-ada", "default", nil), tenantID(w.web)))
		assert.Equal(t, w.web, a.tenant()["id"])
	})
	t.Run("V2-012_token_before_credentials", func(t *testing.T) {
		a := w.login(t, with(object{"token": object{"id": root.id()}, "passwordCredentials": object{"username": "bob", "password": "wrong"}}, tenantID(w.web)))
		assert.Equal(t, w.ada, a.part("user")["id"])
	})
	for name, body := range map[string]object{
		"V2-014_no_role_there":    offer(root.id(), tenantID(w.other)),
		"V2-014_unknown_tenant":   offer(root.id(), tenantID("nothing")),
		"V2-014_disabled_tenant":  offer(root.id(), tenantID(w.shut)),
		"V2-004_a_garbled_token":  offer("garbage", nil),
		"V2-008_a_foreign_user's": offer(w.v3("eve", "pw-eve", w.elsewhere, nil), tenantID(w.far)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(body), http.StatusUnauthorized) })
	}
	t.Run("V2-004_a_revoked_token", func(t *testing.T) {
		gone := w.login(t, password("ada", "pw-ada", nil)).id()
		w.Must(http.StatusNoContent, "DELETE", "/v2.0/tokens/"+gone, w.Admin(), nil)
		refused(t, w.ask(offer(gone, tenantID(w.web))), http.StatusUnauthorized)
	})
	t.Run("V2-016_a_trust's_token", func(t *testing.T) {
		trust := w.trust(w.v3("ada", "pw-ada", "default", service.OnProject(w.web)), w.ada, w.bob, w.web, nil)
		delegated := w.login(t, password("bob", "pw-bob", trustOn(trust, w.web))).id()
		for _, more := range []object{nil, tenantID(w.web), trustOn(trust, w.web)} {
			refused(t, w.ask(offer(delegated, more)), http.StatusForbidden)
		}
	})
}

func TestIssueByTrust(t *testing.T) {
	w := build(t)
	ada := w.v3("ada", "pw-ada", "default", service.OnProject(w.web))
	bob := w.login(t, password("bob", "pw-bob", nil)).id()
	uses := func(trust string) any {
		return w.Must(http.StatusOK, "GET", "/v3/OS-TRUST/trusts/"+trust, ada, nil).Member("trust")["remaining_uses"]
	}
	for name, body := range map[string]func(more object) object{
		"V2-017_token":    func(more object) object { return offer(bob, more) },
		"V2-018_password": func(more object) object { return password("bob", "pw-bob", more) },
	} {
		t.Run(name, func(t *testing.T) {
			trust := w.trust(ada, w.ada, w.bob, w.web, object{"remaining_uses": 2})
			a := w.login(t, body(trustOn(trust, w.web)))
			assert.Equal(t, object{"id": trust, "impersonation": false, "trustor_user_id": w.ada, "trustee_user_id": w.bob}, a.part("trust"))
			assert.Equal(t, w.bob, a.part("user")["id"])
			assert.Equal(t, []any{object{"name": "operator"}}, a.part("user")["roles"])
			assert.Equal(t, w.web, a.tenant()["id"])
			assert.Len(t, a.catalog(), 1)
			assert.InDelta(t, 1, uses(trust), 0)
			w.login(t, body(object{"trust_id": trust, "tenantName": "web"}))
			refused(t, w.ask(body(trustOn(trust, w.web))), http.StatusForbidden)
		})
	}
	t.Run("V2-017_impersonating", func(t *testing.T) {
		trust := w.trust(ada, w.ada, w.bob, w.web, object{"impersonation": true})
		a := w.login(t, offer(bob, trustOn(trust, w.web)))
		assert.Equal(t, w.ada, a.part("user")["id"])
		assert.Equal(t, "ada", a.part("user")["username"])
		assert.Equal(t, true, a.part("trust")["impersonation"])
		again := shown(t, w.get(a.id(), w.Admin()))
		assert.Equal(t, object(a), object(again))
	})

	limited := w.trust(ada, w.ada, w.bob, w.web, object{"remaining_uses": 1})
	for name, more := range map[string]object{
		"V2-019_another_tenant":         trustOn(limited, w.other),
		"V2-019_another_tenant_by_name": {"trust_id": limited, "tenantName": "other"},
		"V2-019_an_unknown_tenant":      trustOn(limited, "nothing"),
		"V2-019_no_tenant":              {"trust_id": limited},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, w.ask(offer(bob, more)), http.StatusForbidden)
			refused(t, w.ask(password("bob", "pw-bob", more)), http.StatusForbidden)
			assert.InDelta(t, 1, uses(limited), 0)
		})
	}
	t.Run("V2-019_a_wrong_password_learns_nothing", func(t *testing.T) {
		refused(t, w.ask(password("bob", "wrong", trustOn(limited, w.other))), http.StatusUnauthorized)
		refused(t, w.ask(password("bob", "wrong", trustOn("unknown", w.web))), http.StatusUnauthorized)
		refused(t, w.ask(offer("garbage", trustOn(limited, w.web))), http.StatusUnauthorized)
	})

	usedUp := w.trust(ada, w.ada, w.bob, w.web, object{"remaining_uses": 1})
	w.login(t, offer(bob, trustOn(usedUp, w.web)))
	deleted := w.trust(ada, w.ada, w.bob, w.web, nil)
	w.Must(http.StatusNoContent, "DELETE", "/v3/OS-TRUST/trusts/"+deleted, ada, nil)
	expired := w.trust(ada, w.ada, w.bob, w.web, object{"expires_at": time.Now().Add(time.Minute).UTC().Format(time.RFC3339)})
	w.ahead.Add(int64(2 * time.Minute))
	for name, trust := range map[string]string{
		"V2-021_unknown": "unknown", "V2-021_deleted": deleted, "V2-021_expired": expired, "V2-021_used_up": usedUp,
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(offer(bob, trustOn(trust, w.web))), http.StatusForbidden) })
	}
	for name, trust := range map[string]string{"V2-022_unknown": "unknown", "V2-022_deleted": deleted, "V2-022_used_up": usedUp} {
		t.Run(name, func(t *testing.T) {
			refused(t, w.ask(password("bob", "pw-bob", trustOn(trust, w.web))), http.StatusForbidden)
		})
	}
	t.Run("V2-021_of_somebody_else", func(t *testing.T) {
		refused(t, w.ask(offer(w.login(t, password("ada", "pw-ada", nil)).id(), trustOn(limited, w.web))), http.StatusForbidden)
	})
	t.Run("V2-017_one_use_for_many_at_once", func(t *testing.T) {
		trust := w.trust(ada, w.ada, w.bob, w.web, object{"remaining_uses": 1})
		var group sync.WaitGroup
		statuses := make([]int, 8)
		for i := range statuses {
			group.Go(func() { statuses[i] = w.ask(offer(bob, trustOn(trust, w.web))).Status })
		}
		group.Wait()
		count := map[int]int{}
		for _, s := range statuses {
			count[s]++
		}
		assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusForbidden: 7}, count)
	})
	t.Run("V2-019_a_trust_without_a_project", func(t *testing.T) {
		trust := w.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", ada, object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": w.bob, "impersonation": false, "roles": []any{},
		}}).Member("trust")["id"].(string)
		refused(t, w.ask(offer(bob, trustOn(trust, w.web))), http.StatusForbidden)
		a := w.login(t, offer(bob, object{"trust_id": trust}))
		assert.Nil(t, a.tenant())
		assert.Empty(t, a.catalog())
	})
}

func TestTrustsOfOtherDomains(t *testing.T) {
	w := build(t)
	bob := w.login(t, password("bob", "pw-bob", nil)).id()
	eve := w.v3("eve", "pw-eve", w.elsewhere, nil)
	ofEve := w.trust(w.v3("eve", "pw-eve", w.elsewhere, service.OnProject(w.far)), w.eve, w.bob, w.far, nil)
	toEve := w.trust(w.v3("ada", "pw-ada", "default", service.OnProject(w.web)), w.ada, w.eve, w.web, nil)
	onFar := w.trust(w.v3("ada", "pw-ada", "default", service.OnProject(w.far)), w.ada, w.bob, w.far, object{"remaining_uses": 2})
	for name, body := range map[string]object{
		"V2-023_trustor":             offer(bob, trustOn(ofEve, w.far)),
		"V2-023_trustor_by_password": password("bob", "pw-bob", trustOn(ofEve, w.far)),
		"V2-023_trustee":             offer(eve, trustOn(toEve, w.web)),
		"V2-023_trustee_by_password": with(object{"passwordCredentials": object{"userId": w.eve, "password": "pw-eve"}}, trustOn(toEve, w.web)),
		"V2-023_project":             offer(bob, trustOn(onFar, w.far)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.ask(body), http.StatusUnauthorized) })
	}
	for name, token := range map[string]string{
		"V2-023_shown_trustor": w.v3("bob", "pw-bob", "default", service.ByTrust(ofEve)),
		"V2-023_shown_trustee": w.v3("eve", "pw-eve", w.elsewhere, service.ByTrust(toEve)),
		"V2-023_shown_project": w.v3("bob", "pw-bob", "default", service.ByTrust(onFar)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.get(token, w.Admin()), http.StatusUnauthorized) })
	}
	t.Run("V2-023_no_use_is_taken", func(t *testing.T) {
		r := w.Must(http.StatusOK, "GET", "/v3/OS-TRUST/trusts/"+onFar, w.Admin(), nil)
		assert.InDelta(t, 1, r.Member("trust")["remaining_uses"], 0)
	})
}
