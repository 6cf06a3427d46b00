package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

func TestErrors(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name  string
		err   error
		code  int
		title string
		says  string
	}{
		{"400", problem.Invalid("user.name", "must not be empty"), 400, "Bad Request", "user.name"},
		{"401", problem.Unauthorized(errors.New("wrong password")), 401, "Unauthorized", "authentication"},
		{"403", problem.Forbidden("identity:x"), 403, "Forbidden", "identity:x"},
		{"404", problem.NotFound("user", "u7"), 404, "Not Found", "user: u7"},
		{"405", &problem.Error{Kind: problem.KindMethodNotAllowed, Message: "No.", Allow: []string{"GET", "HEAD"}}, 405, "Method Not Allowed", "No."},
		{"409", problem.Conflict("user", "the name is taken"), 409, "Conflict", "taken"},
		{"410", &problem.Error{Kind: problem.KindGone, Message: "Gone."}, 410, "Gone", "Gone."},
		{"413", &problem.Error{Kind: problem.KindTooLarge, Message: "Long."}, 413, "Request Entity Too Large", "Long."},
		{"415", &problem.Error{Kind: problem.KindUnsupportedMedia, Message: "XML."}, 415, "Unsupported Media Type", "XML."},
		{"429", &problem.Error{Kind: problem.KindTooMany, Message: "Slow.", RetryAfter: 1500 * time.Millisecond}, 429, "Too Many Requests", "Slow."},
		{"C-016_503_unavailable", fmt.Errorf("read: %w", store.ErrUnavailable), 503, "Service Unavailable", "repeated"},
		{"C-016_503_contended", fmt.Errorf("write: %w", store.ErrContended), 503, "Service Unavailable", "repeated"},
		{"C-015_500", fmt.Errorf("read USER#u / USER of table mandate: %w", errors.New("boom")), 500, "Internal Server Error", "unexpected"},
		{"C-015_500_of_an_unknown_kind", &problem.Error{Kind: 99, Message: "secret plan"}, 500, "Internal Server Error", "unexpected"},
	} {
		t.Run("C-001_"+c.name, func(t *testing.T) {
			r := b.send(t, answer(false, func(call *api.Call) error {
				require.NoError(t, call.Authorize(policy.Any{}))
				return c.err
			}), request("GET", "/v3/regions", memberToken, ""))
			require.Equal(t, c.code, r.StatusCode)
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			assert.Len(t, r.member(t), 1)
			assert.Len(t, r.member(t, "error"), 3)
			assert.EqualValues(t, c.code, r.member(t, "error", "code"))
			assert.Equal(t, c.title, r.member(t, "error", "title"))
			assert.Contains(t, r.member(t, "error", "message"), c.says)
			for _, private := range []string{"boom", "USER#", "table mandate", "wrong password", "secret plan"} {
				assert.NotContains(t, string(r.body), private)
			}
		})
	}
	t.Run("C-016_Retry-After_in_whole_seconds", func(t *testing.T) {
		r := b.send(t, answer(true, func(*api.Call) error {
			return &problem.Error{Kind: problem.KindTooMany, Message: "Slow.", RetryAfter: 1500 * time.Millisecond}
		}), request("GET", "/v3", "", ""))
		assert.Equal(t, "2", r.Header.Get("Retry-After"))
		r = b.send(t, answer(true, func(*api.Call) error { return store.ErrUnavailable }), request("GET", "/v3", "", ""))
		assert.Equal(t, "1", r.Header.Get("Retry-After"))
	})
	t.Run("C-009_further_members_never_replace_the_three", func(t *testing.T) {
		p := problem.Unauthorized(errors.New("method"))
		p.Extra = map[string]any{"identity": map[string]any{"methods": []string{"password", "token"}}}
		r := b.send(t, answer(true, func(*api.Call) error { return p }), request("POST", "/v3/auth/tokens", "", ""))
		assert.Equal(t, []any{"password", "token"}, r.member(t, "error", "identity", "methods"))
		assert.EqualValues(t, 401, r.member(t, "error", "code"))
		p.Extra = map[string]any{"code": 200, "title": "OK"}
		r = b.send(t, answer(true, func(*api.Call) error { return p }), request("POST", "/v3/auth/tokens", "", ""))
		assert.Equal(t, 401, r.StatusCode)
		assert.EqualValues(t, 401, r.member(t, "error", "code"))
		assert.Equal(t, "Unauthorized", r.member(t, "error", "title"))
	})
	t.Run("405 names the methods", func(t *testing.T) {
		r := b.send(t, answer(true, func(*api.Call) error {
			return &problem.Error{Kind: problem.KindMethodNotAllowed, Message: "No.", Allow: []string{"GET", "HEAD"}}
		}), request("PUT", "/v3", "", ""))
		assert.Equal(t, "GET, HEAD", r.Header.Get("Allow"))
	})
}

func TestHeaders(t *testing.T) {
	b := newBench(t)
	const inbound = "req-01234567-89ab-4cde-8f01-23456789abcd"
	for name, r := range map[string]reply{
		"success": b.send(t, show(), with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada")),
		"401":     b.send(t, show(), request("GET", "/v3/users/ada", "", "")),
		"403":     b.send(t, show(), with(request("GET", "/v3/users/bob", memberToken, ""), "user_id", "bob")),
		"413":     b.send(t, create(false), request("POST", "/v3/regions", memberToken, strings.Repeat(" ", api.MaxBodyBytes+1))),
		"panic":   b.send(t, answer(true, func(*api.Call) error { panic("!") }), request("GET", "/v3", "", "")),
	} {
		t.Run("C-002_Vary_"+name, func(t *testing.T) { assert.Equal(t, []string{"X-Auth-Token"}, r.Header.Values("Vary")) })
		t.Run("C-003_request_id_"+name, func(t *testing.T) {
			assert.Regexp(t, `^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, r.Header.Get("x-openstack-request-id"))
		})
	}
	t.Run("C-003_fresh_per_request", func(t *testing.T) {
		seen := map[string]bool{}
		for range 20 {
			seen[b.send(t, show(), request("GET", "/v3/users/ada", "", "")).Header.Get("X-Openstack-Request-Id")] = true
		}
		assert.Len(t, seen, 20)
	})
	t.Run("C-004_inbound_id_is_only_logged", func(t *testing.T) {
		r := request("GET", "/v3/users/ada", "", "")
		r.Header.Set("X-Openstack-Request-Id", inbound)
		answered := b.send(t, show(), r)
		assert.NotEqual(t, inbound, answered.Header.Get("X-Openstack-Request-Id"))
		assert.Equal(t, inbound, b.line(t)["global_request_id"])
	})
	t.Run("C-004_malformed_inbound_id_is_dropped", func(t *testing.T) {
		for _, id := range []string{"req-1", inbound + "x", "REQ" + inbound[3:], strings.ToUpper(inbound), inbound[4:]} {
			r := request("GET", "/v3/users/ada", "", "")
			r.Header.Set("X-Openstack-Request-Id", id)
			b.send(t, show(), r)
			assert.NotContains(t, b.line(t), "global_request_id", id)
		}
	})
}

func with(r *http.Request, name, value string) *http.Request {
	r.SetPathValue(name, value)
	return r
}

func TestCaller(t *testing.T) {
	b := newBench(t)
	ask := func(token string) reply {
		return b.send(t, show(), with(request("GET", "/v3/users/ada", token, ""), "user_id", "ada"))
	}
	none := ask("")
	t.Run("C-005_no_token", func(t *testing.T) {
		assert.Equal(t, 401, none.StatusCode)
		assert.Equal(t, `Keystone uri="https://id.example/v3"`, none.Header.Get("WWW-Authenticate"))
	})
	t.Run("C-006_unknown_token_is_the_same", func(t *testing.T) {
		for _, token := range []string{"garbled", strings.Repeat("x", 300), " "} {
			r := ask(token)
			assert.Equal(t, 401, r.StatusCode)
			assert.Equal(t, none.body, r.body)
			assert.Equal(t, none.Header.Get("WWW-Authenticate"), r.Header.Get("WWW-Authenticate"))
		}
	})
	t.Run("C-007_empty_token_is_none", func(t *testing.T) {
		r := request("GET", "/v3/users/ada", "", "")
		r.Header["X-Auth-Token"] = []string{""}
		assert.Equal(t, none.body, b.send(t, show(), r).body)
		assert.Equal(t, "The request you have made requires authentication.: no X-Auth-Token", b.line(t)["cause"])
	})
	t.Run("C-008_v2_names_the_base", func(t *testing.T) {
		r := b.send(t, show(), request("GET", "/v2.0/tokens/x", "", ""))
		assert.Equal(t, `Keystone uri="https://id.example"`, r.Header.Get("WWW-Authenticate"))
	})
	t.Run("C-020_C-024_genuine_token_of_what_is_gone", func(t *testing.T) {
		for _, token := range []string{goneProject, hollowTrust} {
			r := ask(token)
			assert.Equal(t, 401, r.StatusCode)
			assert.Equal(t, none.body, r.body)
			assert.NotContains(t, b.line(t), "user_id", "nobody was authenticated")
		}
	})
	t.Run("T-035_open_operation_ignores_the_token", func(t *testing.T) {
		r := b.send(t, answer(true, func(*api.Call) error { return nil }), request("GET", "/v3", "garbled", ""))
		assert.Equal(t, 200, r.StatusCode)
	})
	t.Run("who is let in is who asks", func(t *testing.T) {
		r := ask(memberToken)
		assert.Equal(t, 200, r.StatusCode)
		assert.Equal(t, "https://id.example/v3/users/ada", r.member(t, "user", "self"))
	})
}

func TestAuthorize(t *testing.T) {
	b := newBench(t)
	t.Run("a success without it is a 500 and gives nothing away", func(t *testing.T) {
		r := b.send(t, answer(false, func(c *api.Call) error {
			c.Header.Set("X-Subject-Token", "gAAAA-secret")
			return nil
		}), request("GET", "/v3/regions", memberToken, ""))
		assert.Equal(t, 500, r.StatusCode)
		assert.Empty(t, r.Header.Get("X-Subject-Token"))
		assert.NotContains(t, string(r.body), "user")
		assert.Contains(t, b.line(t)["cause"], "without having been authorised")
		assert.Equal(t, "ERROR", b.line(t)["level"])
	})
	t.Run("a refusal names the action", func(t *testing.T) {
		r := b.send(t, show(), with(request("GET", "/v3/users/bob", memberToken, ""), "user_id", "bob"))
		assert.Equal(t, 403, r.StatusCode)
		assert.Contains(t, r.member(t, "error", "message"), "identity:get_user")
		assert.Equal(t, "identity:get_user", b.line(t)["action"])
	})
	t.Run("what cannot be decided is refused and logged", func(t *testing.T) {
		o := answer(false, func(c *api.Call) error { return c.AuthorizeAs("identity:make_coffee", policy.Any{}) })
		r := b.send(t, o, request("GET", "/v3/regions", adminToken, ""))
		assert.Equal(t, 403, r.StatusCode)
		assert.Contains(t, b.line(t)["cause"], "no rule names the action")
	})
	t.Run("a refusal that the operation swallows is no permission", func(t *testing.T) {
		r := b.send(t, answer(false, func(c *api.Call) error { _ = c.AuthorizeAs("identity:create_region", policy.Any{}); return nil }),
			request("GET", "/v3/regions", memberToken, ""))
		assert.Equal(t, 500, r.StatusCode)
	})
	t.Run("the body is judged after the caller and after policy", func(t *testing.T) {
		post := func(token, body string) int {
			return b.send(t, create(false), request("POST", "/v3/regions", token, body)).StatusCode
		}
		assert.Equal(t, 401, post("", "{"))
		assert.Equal(t, 403, post(memberToken, "{"))
		assert.Equal(t, 400, post(adminToken, "{"))
		assert.Equal(t, 201, post(adminToken, "{}"))
	})
	t.Run("the body is judged before policy where the contract wants it", func(t *testing.T) {
		post := func(token, body string) int {
			return b.send(t, create(true), request("POST", "/v3/regions", token, body)).StatusCode
		}
		assert.Equal(t, 401, post("", "{"))
		assert.Equal(t, 400, post(memberToken, "{"))
		assert.Equal(t, 403, post(memberToken, "{}"))
	})
	t.Run("a bad request that policy was not asked about is no success", func(t *testing.T) {
		o := api.Op(api.Spec[createRegion]{Name: "X", Action: "identity:create_region"},
			func(_ context.Context, c *api.Call, in createRegion) (userBody, error) {
				assert.Zero(t, in.Body)
				_ = c.Authorize(policy.Any{})
				return userBody{}, nil
			})
		r := b.send(t, o, request("POST", "/v3/regions", adminToken, `{"region": {"id": "half", "enabled": 3}}`))
		assert.Equal(t, 400, r.StatusCode)
	})
}

func TestHead(t *testing.T) {
	b := newBench(t)
	for name, token := range map[string]string{"success": memberToken, "error": ""} {
		t.Run("C-010_"+name, func(t *testing.T) {
			get := b.send(t, show(), with(request("GET", "/v3/users/ada", token, ""), "user_id", "ada"))
			head := b.send(t, show(), with(request("HEAD", "/v3/users/ada", token, ""), "user_id", "ada"))
			assert.Equal(t, get.StatusCode, head.StatusCode)
			assert.Empty(t, head.body)
			get.Header.Del("X-Openstack-Request-Id")
			head.Header.Del("X-Openstack-Request-Id")
			assert.Equal(t, get.Header, head.Header)
			assert.Equal(t, fmt.Sprint(len(get.body)), head.Header.Get("Content-Length"))
		})
	}
}

func TestReply(t *testing.T) {
	b := newBench(t)
	t.Run("D-005_no_body_no_content_type", func(t *testing.T) {
		o := api.Op(api.Spec[nothing]{Name: "DeleteRegion", Action: "identity:delete_region", Status: http.StatusNoContent},
			func(_ context.Context, c *api.Call, _ nothing) (api.NoBody, error) {
				return api.NoBody{}, c.Authorize(policy.Any{})
			})
		r := b.send(t, o, request("DELETE", "/v3/regions/x", adminToken, ""))
		assert.Equal(t, 204, r.StatusCode)
		assert.Empty(t, r.body)
		assert.NotContains(t, r.Header, "Content-Type")
		assert.NotContains(t, r.Header, "Content-Length")
	})
	t.Run("headers of the operation", func(t *testing.T) {
		r := b.send(t, answer(true, func(c *api.Call) error {
			c.Header.Set("Location", "https://id.example/v3/")
			c.Header.Add("Vary", "Accept")
			c.Header.Set("Content-Type", "application/json-home")
			return nil
		}), request("GET", "/", "", ""))
		assert.Equal(t, "https://id.example/v3/", r.Header.Get("Location"))
		assert.Equal(t, []string{"X-Auth-Token", "Accept"}, r.Header.Values("Vary"))
		assert.Equal(t, []string{"application/json-home"}, r.Header.Values("Content-Type"))
	})
	t.Run("an error has none of them", func(t *testing.T) {
		r := b.send(t, answer(true, func(c *api.Call) error {
			c.Header.Set("X-Subject-Token", "gAAAA-secret")
			c.Header.Set("Content-Type", "application/json-home")
			return problem.NotFound("token", "x")
		}), request("GET", "/", "", ""))
		assert.NotContains(t, r.Header, "X-Subject-Token")
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
	})
	t.Run("C-039_JSON_whatever_is_accepted", func(t *testing.T) {
		r := with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada")
		r.Header.Set("Accept", "text/html")
		answered := b.send(t, show(), r)
		assert.Equal(t, 200, answered.StatusCode)
		assert.Equal(t, "application/json", answered.Header.Get("Content-Type"))
	})
	t.Run("maps come in a fixed order", func(t *testing.T) {
		for range 20 {
			r := b.send(t, create(false), request("POST", "/v3/regions", adminToken, `{"region": {"id": "eu", "description": "x"}}`))
			assert.Equal(t, `{"region":{"description":"x","id":"eu"}}`, string(r.body))
		}
	})
	t.Run("C-015_a_reply_that_cannot_be_encoded", func(t *testing.T) {
		o := api.Op(api.Spec[nothing]{Name: "Broken", Open: true},
			func(context.Context, *api.Call, nothing) (map[string]any, error) {
				return map[string]any{"f": func() {}}, nil
			})
		r := b.send(t, o, request("GET", "/v3", "", ""))
		assert.Equal(t, 500, r.StatusCode)
		assert.NotContains(t, string(r.body), "func")
		assert.Contains(t, b.line(t)["cause"], "encode the reply of Broken")
	})
}

func TestPanic(t *testing.T) {
	b := newBench(t)
	o := answer(true, func(c *api.Call) error {
		c.Header.Set("X-Subject-Token", "gAAAA-secret")
		var nobody *policy.Caller
		return errors.New(nobody.UserID)
	})
	r := b.send(t, o, request("GET", "/v3", "", ""))
	t.Run("C-015_is_a_500_that_says_nothing", func(t *testing.T) {
		assert.Equal(t, 500, r.StatusCode)
		assert.NotContains(t, string(r.body), "nil pointer")
		assert.NotContains(t, r.Header, "X-Subject-Token")
	})
	t.Run("its stack is in the log", func(t *testing.T) {
		assert.Contains(t, b.line(t)["cause"], "nil pointer")
		assert.Contains(t, b.line(t)["stack"], "op_test.go")
		assert.EqualValues(t, 500, b.line(t)["status"])
	})
}

func TestEvent(t *testing.T) {
	t.Run("one line says what happened", func(t *testing.T) {
		b := newBench(t)
		b.send(t, show(), with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada"))
		require.Equal(t, 1, strings.Count(b.log.String(), "\n"))
		line := b.line(t)
		assert.Equal(t, "GetUser", line["operation"])
		assert.EqualValues(t, 200, line["status"])
		assert.Equal(t, "identity:get_user", line["action"])
		assert.Equal(t, "ada", line["user_id"])
		assert.Equal(t, "audit-1", line["audit_id"])
		assert.EqualValues(t, 1, line["trips"])
		assert.NotContains(t, line, "trust_id")
		assert.NotContains(t, line, "cause")
	})
	t.Run("a trust token names the trust and who is behind it", func(t *testing.T) {
		b := newBench(t)
		c := member
		c.TrustID, c.SubjectID = "t9", "bob"
		b.Tokens = people{memberToken: c}
		b.send(t, show(), with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada"))
		assert.Equal(t, "t9", b.line(t)["trust_id"])
		assert.Equal(t, "bob", b.line(t)["subject_id"])
	})
	t.Run("private causes, once each", func(t *testing.T) {
		b := newBench(t)
		b.send(t, answer(true, func(*api.Call) error {
			return fmt.Errorf("find: %w", problem.NotFound("trust", "t1").Because(fmt.Errorf("read: %w", errors.New("it expired"))))
		}), request("GET", "/v3", "", ""))
		assert.Equal(t, "find: Could not find trust: t1.: read: it expired", b.line(t)["cause"])
	})
	t.Run("never holds a token or password", func(t *testing.T) {
		const hush = "hush-hush-hush"
		b := newBench(t)
		b.Tokens = people{hush: admin}
		type in struct {
			Subject secret.Text `header:"X-Subject-Token"`
			Body    struct {
				Password secret.Text `json:"-"`
				Number   int64       `json:"number"`
				Object   struct{}    `json:"object"`
			} `body:"json"`
		}
		for _, end := range []error{nil, problem.NotFound("token", ""), errors.New("broken"), problem.Unauthorized(errors.New("dead"))} {
			for _, body := range []string{`{}`, `{"number": "` + hush + `"}`, `{"object": "` + hush + `"}`, `{"` + hush[:4] + `": ` + hush, `"` + hush + `"`} {
				o := api.Op(api.Spec[in]{Name: "X", Action: "identity:list_regions"}, func(_ context.Context, c *api.Call, i in) (api.NoBody, error) {
					if err := c.Authorize(policy.Any{}); err != nil {
						return api.NoBody{}, err
					}
					if end != nil {
						return api.NoBody{}, fmt.Errorf("look at %v %+v %#v: %w", i.Subject, i, c.Bearer(), end)
					}
					return api.NoBody{}, nil
				})
				r := request("POST", "/v3/auth/tokens?token="+hush, hush, body)
				r.Header.Set("X-Subject-Token", hush)
				answered := b.send(t, o, r)
				assert.NotContains(t, string(answered.body), hush)
			}
		}
		assert.Equal(t, 20, strings.Count(b.log.String(), "\n"))
		assert.NotContains(t, b.log.String(), hush)
	})
}

func TestReads(t *testing.T) {
	b := newBench(t)
	o := api.Op(api.Spec[showUser]{Name: "GetUser", Action: "identity:get_user",
		Reads: func(rs *store.ReadSet, in showUser) { rs.Want(store.User(in.ID)) },
	}, func(ctx context.Context, c *api.Call, in showUser) (api.NoBody, error) {
		if err := c.Settle(ctx, func() error { _, err := c.Reads.Get(store.User(in.ID)); return err }); err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, c.Authorize(policy.User{ID: in.ID})
	})
	b.send(t, o, with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada"))
	assert.EqualValues(t, 1, b.line(t)["trips"], "what the operation wants comes with what the token stands on")
	b.send(t, o, with(request("GET", "/v3/users/ada", "", ""), "user_id", "ada"))
	assert.EqualValues(t, 0, b.line(t)["trips"], "nobody costs nothing")
}

func TestBase(t *testing.T) {
	for _, c := range []struct{ name, configured, url, want string }{
		{"configured", "https://id.example/identity/", "http://10.0.0.7:8080/v3", "https://id.example/identity"},
		{"derived", "", "http://id.example:5000/v3", "http://id.example:5000"},
		{"no default port of http", "", "http://id.example:80/v3", "http://id.example"},
		{"no default port of https", "", "https://id.example:443/v3", "https://id.example"},
		{"443 is no default of http", "", "http://id.example:443/v3", "http://id.example:443"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.PublicURL = c.configured
			var got string
			b.send(t, answer(true, func(call *api.Call) error { got = call.Base; return nil }), httptest.NewRequest("GET", c.url, nil))
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFail(t *testing.T) {
	w := httptest.NewRecorder()
	status := api.Fail(w, httptest.NewRequest("GET", "/nowhere", nil), "https://id.example", problem.NotFound("path", "/nowhere"))
	t.Run("C-012_outside_of_operations_too", func(t *testing.T) {
		assert.Equal(t, 404, status)
		assert.Equal(t, "X-Auth-Token", w.Header().Get("Vary"))
		assert.Regexp(t, "^req-", w.Header().Get("X-Openstack-Request-Id"))
	})
}
