package oauth1_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"mandate/functions/auth"
	functions "mandate/functions/oauth1"
	"mandate/functions/routes"
	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/secret"
	"mandate/test/service"
)

// TestTokens: identity tokens by signed request (section 9).
func TestTokens(t *testing.T) {
	w := newWorld(t)
	access := w.access(w.operator)
	validate := func(token string) service.Reply { return w.Validate(token) }
	names := func(r service.Reply) (all []string) {
		for _, one := range r.Member("token")["roles"].([]any) {
			all = append(all, one.(object)["name"].(string))
		}
		return all
	}

	t.Run("O-104_issue_and_O-117_validate", func(t *testing.T) {
		r := is(t, 201, w.send(w.issuing(access)))
		shown := r.Member("token")
		require.Equal(t, []any{"oauth1"}, shown["methods"])
		require.Equal(t, w.ada, shown["user"].(object)["id"])
		require.Equal(t, w.web, shown["project"].(object)["id"])
		require.Equal(t, []string{"operator"}, names(r))
		require.Equal(t, object{"access_token_id": access.id, "consumer_id": w.consumer.id}, shown["OS-OAUTH1"])
		require.Len(t, shown["audit_ids"], 1)
		require.NotEmpty(t, shown["catalog"])
		require.Equal(t, false, shown["is_domain"])
		token := r.Header.Get("X-Subject-Token")
		require.LessOrEqual(t, len(token), 200)
		require.Equal(t, shown, is(t, 200, validate(token)).Member("token"))
		s := w.issuing(access)
		s.url += "?nocatalog"
		require.NotContains(t, is(t, 201, w.send(s)).Member("token"), "catalog")
		s.url, s.sent = tokensURL, "/v3/auth/tokens?nocatalog" // as keystoneauth signs
		require.NotContains(t, is(t, 201, w.send(s)).Member("token"), "catalog")
	})
	t.Run("O-106_roles", func(t *testing.T) {
		w.Must(201, "PUT", "/v3/roles/"+w.operator+"/implies/"+w.role("reader"), w.Admin(), nil)
		w.grant("PUT", w.ada, w.web, w.role("member"))
		r := is(t, 201, w.send(w.issuing(access)))
		require.Equal(t, []string{"operator", "reader"}, names(r), "what is implied, not what was granted beside or since")
		w.Must(204, "DELETE", "/v3/roles/"+w.operator+"/implies/"+w.role("reader"), w.Admin(), nil)
		require.Equal(t, []string{"operator"}, names(is(t, 200, validate(r.Header.Get("X-Subject-Token")))))
		w.grant("DELETE", w.ada, w.web, w.role("member"))
		w.login()
	})
	t.Run("O-107_roles_lost_O-145_O-146", func(t *testing.T) {
		token, both := w.token(access), w.token(w.access(w.operator, w.watcher))
		w.grant("DELETE", w.ada, w.web, w.operator)
		is(t, 404, validate(token))
		is(t, 401, w.send(w.issuing(access)))
		require.Equal(t, []string{"watcher"}, names(is(t, 200, validate(both))))
		w.grant("PUT", w.ada, w.web, w.operator)
		is(t, 200, validate(token))
		require.Len(t, names(is(t, 200, validate(both))), 2)
	})
	t.Run("O-109_unknown", func(t *testing.T) {
		is(t, 404, w.send(w.issuing(credentials{"nope", access.secret})))
		is(t, 404, w.send(w.issuing(credentials{strings.Repeat("n", 3000), access.secret})))
	})
	t.Run("O-110_wrong_secret", func(t *testing.T) {
		is(t, 401, w.send(w.issuing(credentials{access.id, secret.New("wrong")})))
		other := w.issuing(access)
		other.consumer = w.newConsumer()
		is(t, 401, w.send(other))
		other.consumer.secret = w.consumer.secret
		is(t, 401, w.send(other))
		for _, name := range []string{"oauth_signature", "oauth_nonce", "oauth_timestamp", "oauth_signature_method", "oauth_consumer_key"} {
			s := w.issuing(access)
			s.without = name
			is(t, 401, w.send(s))
		}
		late := w.issuing(access)
		late.at = w.clock.Now().Add(-700 * time.Second)
		is(t, 401, w.send(late))
	})
	t.Run("O-111_no_member", func(t *testing.T) {
		s := w.issuing(access)
		s.body = `{"auth":{"identity":{"methods":["oauth1"]}}}`
		is(t, 400, w.send(s))
	})
	t.Run("O-112_no_token_in_the_header", func(t *testing.T) {
		s := w.issuing(access)
		s.without = "oauth_token"
		is(t, 400, w.send(s))
	})
	t.Run("O-113_no_header", func(t *testing.T) {
		s := w.issuing(access)
		s.tamper = func(string) string { return "" }
		is(t, 400, w.send(s))
	})
	t.Run("O-115_many_times_and_O-037_repeated", func(t *testing.T) {
		s := w.issuing(access)
		s.nonce = nonce()
		is(t, 201, w.send(s))
		is(t, 401, w.send(s))
		is(t, 201, w.send(w.issuing(access)))
	})
	t.Run("O-116_scope", func(t *testing.T) {
		ask := func(scope string) signed {
			s := w.issuing(access)
			s.body = `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}},"scope":` + scope + `}}`
			return s
		}
		for _, scope := range []string{`{"project":{"id":"` + w.shop + `"}}`, `{"project":{"name":"shop","domain":{"id":"default"}}}`,
			`{"domain":{"id":"default"}}`, `{"domain":{"name":"Default"}}`, `{"system":{"all":true}}`, `"unscoped"`} {
			require.Equal(t, w.web, is(t, 201, w.send(ask(scope))).Member("token")["project"].(object)["id"], scope)
		}
		for _, scope := range []string{`{"project":{"id":"nope"}}`, `{"domain":{"name":"nope"}}`, `{"OS-TRUST:trust":{"id":"nope"}}`} {
			is(t, 401, w.send(ask(scope)))
		}
	})
	t.Run("O-152_methods", func(t *testing.T) {
		r := is(t, 401, w.Do("POST", "/v3/auth/tokens", "", object{"auth": object{"identity": object{"methods": []string{"magic"}, "magic": object{}}}}))
		require.Contains(t, r.Member("error")["identity"].(object)["methods"], "oauth1")
	})
	t.Run("together_with_a_password", func(t *testing.T) {
		both := func(name string) signed {
			s := w.issuing(access)
			body := service.PasswordAuth(name, "pw-"+name, nil)
			identity := body["auth"].(object)["identity"].(object)
			identity["methods"], identity["oauth1"] = []string{"password", "oauth1"}, object{}
			text, err := json.Marshal(body)
			require.NoError(t, err)
			s.body = string(text)
			return s
		}
		require.Equal(t, []any{"oauth1", "password"}, is(t, 201, w.send(both("ada"))).Member("token")["methods"])
		is(t, 401, w.send(both("bob")))
	})
	t.Run("O-105_project_disabled", func(t *testing.T) {
		token := w.token(access)
		for _, path := range []string{"projects/" + w.web} {
			w.Must(200, "PATCH", "/v3/"+path, w.Admin(), object{"project": object{"enabled": false}})
			is(t, 401, w.send(w.issuing(access)))
			is(t, 404, validate(token))
			w.Must(200, "PATCH", "/v3/"+path, w.Admin(), object{"project": object{"enabled": true}})
			is(t, 200, validate(token))
		}
	})
	t.Run("the_account_is_held_to_the_same", func(t *testing.T) {
		token := w.token(access)
		w.Must(200, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"enabled": false}})
		is(t, 401, w.send(w.issuing(access)))
		is(t, 404, validate(token))
		w.Must(200, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"enabled": true}})
		is(t, 404, validate(token))
		is(t, 201, w.send(w.issuing(access)))
	})
	t.Run("O-114_life_and_O-108_expired", func(t *testing.T) {
		w.login()
		fresh := w.access(w.operator) // ends at 09:00:00 tomorrow
		require.Equal(t, "2031-03-01T10:00:00.000000Z", is(t, 201, w.send(w.issuing(fresh))).Member("token")["expires_at"])
		w.later(23*time.Hour + 30*time.Minute)
		r := is(t, 201, w.send(w.issuing(fresh)))
		require.Equal(t, "2031-03-02T09:00:00.000000Z", r.Member("token")["expires_at"])
		w.later(30 * time.Minute)
		is(t, 401, w.send(w.issuing(fresh)))
		is(t, 404, validate(r.Header.Get("X-Subject-Token")))
	})
}

// TestDelegated: what a token by OAuth1 may not do, even as admin.
func TestDelegated(t *testing.T) {
	w := newWorld(t)
	w.grant("PUT", w.ada, w.web, w.role("admin"))
	access := w.access(w.role("admin"))
	token := w.token(access)
	mine := "/v3/users/" + w.ada + "/OS-OAUTH1/access_tokens"

	t.Run("O-120_T-045_another_token", func(t *testing.T) {
		for _, scope := range []any{nil, "unscoped", service.OnProject(w.web), service.OnProject(w.shop)} {
			is(t, 403, w.Do("POST", "/v3/auth/tokens", "", service.TokenAuth(token, scope)))
		}
	})
	t.Run("O-121_TR-030_trusts", func(t *testing.T) {
		grant := object{"trust": object{"trustor_user_id": w.ada, "trustee_user_id": w.bob, "project_id": w.web, "impersonation": true,
			"roles": []any{object{"name": "operator"}}}}
		is(t, 403, w.Do("POST", "/v3/OS-TRUST/trusts", token, grant))
		w.login()
		trust := "/v3/OS-TRUST/trusts/" + w.Must(201, "POST", "/v3/OS-TRUST/trusts", w.adas, grant).Member("trust")["id"].(string)
		for _, path := range []string{trust, trust + "/roles", trust + "/roles/" + w.operator, "/v3/OS-TRUST/trusts", "/v3/OS-TRUST/trusts?trustor_user_id=" + w.ada} {
			is(t, 403, w.Do("GET", path, token, nil))
		}
		is(t, 403, w.Do("DELETE", trust, token, nil))
	})
	t.Run("O-122_authorise", func(t *testing.T) { is(t, 403, w.authorize(token, w.requestToken().id, roles(w.operator))) })
	t.Run("O-123_access_tokens", func(t *testing.T) {
		for _, path := range []string{mine, mine + "/" + access.id, mine + "/" + access.id + "/roles", mine + "/" + access.id + "/roles/" + w.operator} {
			is(t, 403, w.Do("GET", path, token, nil))
		}
		is(t, 403, w.Do("DELETE", mine+"/"+access.id, token, nil))
	})
	t.Run("O-124_application_credentials", func(t *testing.T) {
		for _, list := range []string{"/v3/users/" + w.ada + "/application_credentials", "/v3/users/" + w.ada + "/access_rules"} {
			for _, caller := range []string{token, w.adas, w.Admin()} { // not offered to anybody
				is(t, 403, w.Do("GET", list, caller, nil))
				is(t, 403, w.Do("GET", list+"/x", caller, nil))
				is(t, 403, w.Do("DELETE", list+"/x", caller, nil))
			}
		}
		is(t, 403, w.Do("POST", "/v3/users/"+w.ada+"/application_credentials", token, object{"application_credential": object{"name": "mine"}}))
		is(t, 405, w.Do("POST", "/v3/users/"+w.ada+"/access_rules", token, object{}))
	})
	t.Run("TR-112_a_trust_token", func(t *testing.T) {
		trust := w.Must(201, "POST", "/v3/OS-TRUST/trusts", w.adas, object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": w.bob, "project_id": w.web, "impersonation": true, "roles": []any{object{"name": "admin"}},
		}}).Member("trust")["id"].(string)
		bob := w.Login("bob", "pw-bob", service.ByTrust(trust))
		is(t, 403, w.authorize(bob, w.requestToken().id, roles(w.operator)))
		is(t, 403, w.Do("GET", mine, bob, nil))
		is(t, 403, w.Do("GET", mine+"/"+access.id, bob, nil))
		is(t, 403, w.Do("GET", mine+"/"+access.id+"/roles", bob, nil))
		is(t, 403, w.Do("DELETE", mine+"/"+access.id, bob, nil))
	})
	t.Run("O-125_C-080_credentials", func(t *testing.T) {
		blob := object{"credential": object{"type": "cert", "blob": "x", "user_id": w.ada, "project_id": w.web}}
		is(t, 403, w.Do("POST", "/v3/credentials", token, blob))
		made := "/v3/credentials/" + w.Must(201, "POST", "/v3/credentials", w.adas, blob).Member("credential")["id"].(string)
		is(t, 403, w.Do("GET", made, token, nil))
		is(t, 403, w.Do("PATCH", made, token, object{"credential": object{"blob": "y"}}))
		is(t, 403, w.Do("DELETE", made, token, nil))
		require.Empty(t, is(t, 200, w.Do("GET", "/v3/credentials", token, nil)).Body["credentials"])
	})
	t.Run("O-126_everything_else", func(t *testing.T) {
		is(t, 201, w.Do("POST", "/v3/users", token, object{"user": object{"name": "eve"}}))
		is(t, 201, w.Do("POST", consumers, token, object{"consumer": object{}}))
		is(t, 200, w.Do("GET", "/v3/auth/tokens", token, nil, "X-Subject-Token", token))
		is(t, 200, w.Do("GET", "/v3/auth/projects", token, nil))
		is(t, 200, w.Do("GET", "/v3/auth/catalog", token, nil))
		is(t, 204, w.Do("DELETE", "/v3/auth/tokens", token, nil, "X-Subject-Token", token))
		is(t, 401, w.Do("GET", "/v3/auth/catalog", token, nil))
	})
	t.Run("V2-042_v2.0", func(t *testing.T) {
		require.Equal(t, 401, w.Do("GET", "/v2.0/tokens/"+w.token(access), w.Admin(), nil).Status)
	})
}

// lambda answers an event as the function of an area would in the cloud.
func lambda(t *testing.T, a *app.App, area string, list func(*app.App) []api.Operation, e events.APIGatewayV2HTTPRequest) int {
	t.Helper()
	h, err := gateway.Operation(a.API, area, area, list(a), routes.Table)
	require.NoError(t, err)
	payload, err := json.Marshal(e)
	require.NoError(t, err)
	out, err := gateway.HTTP(h).Invoke(t.Context(), payload)
	require.NoError(t, err)
	var reply events.APIGatewayV2HTTPResponse
	require.NoError(t, json.Unmarshal(out, &reply))
	return reply.StatusCode
}

// event is a request as an HTTP API with a stage sends it on.
func event(r *http.Request, host, stage, proto, body string) events.APIGatewayV2HTTPRequest {
	path := r.URL.Path
	if stage != "$default" {
		path = "/" + stage + path
	}
	headers := map[string]string{"host": host, "authorization": r.Header.Get("Authorization"), "x-forwarded-proto": proto}
	if project := r.Header.Get("Requested-Project-Id"); project != "" {
		headers["requested-project-id"] = project
	}
	if body != "" {
		headers["content-type"] = "application/json"
	}
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: r.Method + " " + r.URL.Path, RawPath: path, Headers: headers, Body: body,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			Stage: stage, DomainName: host, HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: path},
		},
	}
}

// TestWhichURL: the URL that the client signed, through stages, proxies and configured
// names (section 8.1).
func TestWhichURL(t *testing.T) {
	w := newWorld(t, service.WithVariable("PUBLIC_URL", ""))
	access := w.access(w.operator)
	at := func(url string) signed {
		s := w.issuing(access)
		s.url, s.sent = url, "/v3/auth/tokens"
		return s
	}
	issue := func(s signed, host, stage, proto string) int {
		return lambda(t, w.App, "auth", auth.Operations, event(w.request(s), host, stage, proto, s.body))
	}

	t.Run("O-099_stage", func(t *testing.T) {
		const host = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
		require.Equal(t, 201, issue(at("https://"+host+"/prod/v3/auth/tokens"), host, "prod", "https"))
		require.Equal(t, 201, issue(at("https://"+host+"/v3/auth/tokens"), host, "prod", "https"))
		require.Equal(t, 201, issue(at("https://"+host+"/prod/v3/auth/tokens/"), host, "prod", "https"))
		require.Equal(t, 401, issue(at("https://"+host+"/test/v3/auth/tokens"), host, "prod", "https"))
		require.Equal(t, 401, issue(at("https://elsewhere/prod/v3/auth/tokens"), host, "prod", "https"))
		s := w.asking()
		s.url, s.sent = "https://"+host+"/prod/v3/OS-OAUTH1/request_token", "/v3/OS-OAUTH1/request_token"
		require.Equal(t, 201, lambda(t, w.App, "oauth1", functions.Operations, event(w.request(s), host, "prod", "https", "")))
	})
	t.Run("O-100_TLS_ends_at_the_front", func(t *testing.T) {
		require.Equal(t, 201, issue(at("https://id.example/v3/auth/tokens"), "id.example", "$default", "https"))
		require.Equal(t, 401, issue(at("http://id.example/v3/auth/tokens"), "id.example", "$default", "https"))
		require.Equal(t, 401, issue(at("https://id.example/v3/auth/tokens"), "id.example", "$default", "http"))
	})
	t.Run("O-101_https_signed_http_sent", func(t *testing.T) {
		is401 := w.send(at("https://identity.test/v3/auth/tokens"))
		require.Equal(t, 401, is401.Status)
		r := w.request(at("https://identity.test/v3/auth/tokens"))
		r.Header.Set("X-Forwarded-Prefix", "/x")
		r.Header.Set("X-Forwarded-Host", "identity.test")
		require.Equal(t, 401, w.Send(r).Status)
		r = w.request(at("http://claimed.test/v3/auth/tokens"))
		r.Header.Set("X-Forwarded-Host", "claimed.test")
		require.Equal(t, 401, w.Send(r).Status)
		r = w.request(at("https://identity.test/v3/auth/tokens"))
		r.TLS = &tls.ConnectionState{}
		require.Equal(t, 201, w.Send(r).Status)
	})
	t.Run("trailing_slash", func(t *testing.T) {
		s := at("http://identity.test/v3/auth/tokens/")
		s.sent = "/v3/auth/tokens/"
		require.Equal(t, 201, w.send(s).Status)
	})
	t.Run("O-102_O-103_configured", func(t *testing.T) {
		const public = "https://api.example.com/identity"
		w := newWorld(t, service.WithVariable("PUBLIC_URL", public))
		for name, s := range map[string]signed{"issue": w.issuing(w.access(w.operator)), "request": w.asking()} {
			path := strings.TrimPrefix(s.url, service.Base)
			s.sent = path
			require.Equal(t, 201, w.send(s).Status, "%s: by the Host header", name)
			s.url = public + path
			require.Equal(t, 201, w.send(s).Status, name)
			s.url = "https://api.example.com" + path
			require.Equal(t, 401, w.send(s).Status, name)
		}
		asked := w.requestToken()
		s := w.exchanging(asked, w.verifier(asked.id, w.operator))
		s.url, s.sent = public+"/v3/OS-OAUTH1/access_token", "/v3/OS-OAUTH1/access_token"
		require.Equal(t, 201, w.send(s).Status)
	})
}
