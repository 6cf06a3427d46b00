package common

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/functions/routes"
	"mandate/shared/api"
	"mandate/shared/route"
	"mandate/shared/store"
	"mandate/test/service"
)

// uri is what WWW-Authenticate says below a path.
func uri(path string) string {
	if strings.HasPrefix(path, "/v2.0") {
		return `Keystone uri="` + service.Base + `"`
	}
	return `Keystone uri="` + service.Base + `/v3"`
}

func TestEveryRoute(t *testing.T) {
	w := newWorld(t)
	dead := w.Login("ada", "pw-ada", nil)
	w.Must(204, "DELETE", "/v3/auth/tokens", dead, nil, "X-Subject-Token", dead)

	t.Run("C-001_C-005_C-006_C-007_C-008_nobody", func(t *testing.T) {
		for _, r := range all(t, isProtected) {
			path := w.path(r)
			none := w.want(t, 401, r.Method, path, "", nil)
			require.Equal(t, uri(path), none.Header.Get("WWW-Authenticate"), "%s C-008", r.Key())
			for _, token := range []string{"garbage", dead, dead + "x", strings.Repeat("A", 255)} {
				bad := w.want(t, 401, r.Method, path, token, nil)
				require.Equal(t, none.Text, bad.Text)
				require.Equal(t, none.Header.Get("WWW-Authenticate"), bad.Header.Get("WWW-Authenticate"))
			}
			empty := w.want(t, 401, r.Method, path, "", nil, "X-Auth-Token", "")
			require.Equal(t, none.Text, empty.Text)
		}
	})
	t.Run("C-001_what_is_repeated_is_text", func(t *testing.T) {
		for _, path := range []string{"/v3/users?marker=%FF", "/v3/users/%FF", "/v3/OS-TRUST/trusts?marker=%C3%28", "/v3/auth/tokens/OS-PKI/revoked?marker=%FF"} {
			w.want(t, 404, "GET", path, w.Admin(), nil)
		}
	})
	t.Run("C-002_C-003_C-004_headers_of_all_answers", func(t *testing.T) {
		seen := map[string]bool{}
		const inbound = "req-01234567-89ab-cdef-0123-456789abcdef"
		for _, r := range table() {
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				continue
			}
			for _, headers := range [][]string{nil, {"X-Openstack-Request-Id", inbound}} {
				id := w.do(t, r.Method, w.path(r), w.Admin(), nil, headers...).Header.Get("X-Openstack-Request-Id")
				require.False(t, seen[id], "a fresh id for every request")
				require.NotEqual(t, inbound, id)
				seen[id] = true
			}
		}
	})
	t.Run("C-010_head_is_get_without_body", func(t *testing.T) {
		for _, r := range all(t, func(r route.Route) bool { return r.Method == http.MethodHead }) {
			for _, token := range []string{w.Admin(), ""} {
				path := w.path(r)
				get, head := w.do(t, "GET", path, token, nil), w.do(t, "HEAD", path, token, nil)
				if token != "" && (r.Operation == "CheckImpliedRole" || r.Operation == "CheckGrant") { // D-118b, D-131, D-135
					require.Contains(t, []int{204, 404}, head.Status)
					continue
				}
				require.Equal(t, get.Status, head.Status, r.Key())
				for _, name := range []string{"Content-Type", "Content-Length", "Vary", "Location", "WWW-Authenticate"} {
					require.Equal(t, get.Header.Values(name), head.Header.Values(name), "%s %s", r.Key(), name)
				}
			}
		}
	})
	t.Run("C-011_a_trailing_slash", func(t *testing.T) {
		for _, r := range table() {
			path := w.path(r)
			if path == "/" {
				continue
			}
			token := ""
			if r.Method == http.MethodGet && r.Operation != "FetchPreauthenticatedToken" {
				token = w.Admin()
			}
			plain, slash := w.do(t, r.Method, path, token, nil), w.do(t, r.Method, path+"/", token, nil)
			require.Equal(t, plain.Status, slash.Status, r.Key())
			require.Equal(t, plain.Header.Get("Location"), slash.Header.Get("Location"))
		}
	})
	t.Run("C-012_unknown_paths", func(t *testing.T) {
		for _, path := range []string{"/v3/nothing", "/nothing", "/v4", "/v3/auth", "/v3/auth/tokens/x", "/v3/users/a/b/c", "/%00", "/v3/%2e%2e", "//"} {
			for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "DELETE"} {
				w.want(t, 404, method, path, "", nil)
				w.want(t, 404, method, path, w.Admin(), nil)
			}
		}
	})
	paths := map[string][]string{}
	for _, r := range routes.Table {
		path := w.path(r)
		paths[path] = append(paths[path], r.Method)
	}
	const revoked = "/v2.0/tokens/revoked" // is what is deleted, a {token_id} like any other
	paths[revoked] = append(paths[revoked], http.MethodDelete)
	allow := func(methods []string) string {
		methods = append(slices.Clone(methods), "OPTIONS")
		slices.Sort(methods)
		return strings.Join(slices.Compact(methods), ", ")
	}
	t.Run("C-013_another_method", func(t *testing.T) {
		for path, methods := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"} {
				if slices.Contains(methods, method) {
					continue
				}
				for _, token := range []string{"", w.Admin()} {
					r := w.want(t, 405, method, path, token, nil)
					require.Equal(t, allow(methods), r.Header.Get("Allow"), path)
				}
			}
		}
	})
	t.Run("C-014_options", func(t *testing.T) {
		for path, methods := range paths {
			r := w.want(t, 200, "OPTIONS", path, "", nil)
			require.Equal(t, allow(methods), r.Header.Get("Allow"), path)
			require.Empty(t, r.Text)
		}
	})
	t.Run("C-039_whatever_is_accepted", func(t *testing.T) {
		for _, r := range all(t, func(r route.Route) bool { return r.Method == http.MethodGet }) {
			path := w.path(r)
			html := w.do(t, "GET", path, w.Admin(), nil, "Accept", "text/html")
			require.Equal(t, w.do(t, "GET", path, w.Admin(), nil).Status, html.Status)
			require.Equal(t, "application/json", html.Header.Get("Content-Type"), r.Key())
		}
	})
}

// raw sends a body as it is; length -1 says that it is not known before.
func (w *world) raw(t *testing.T, method, path, token string, body []byte, length int64, contentType string) service.Reply {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, service.Base+path, io.NopCloser(bytes.NewReader(body)))
	r.ContentLength = length
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	reply := w.Send(r)
	w.common(t, method, reply)
	return reply
}

func TestEveryBody(t *testing.T) {
	w := newWorld(t)
	var reading []route.Route
	for _, r := range table() {
		if _, there := w.fill(r); there && w.bodies[r.Operation] { // of what is not there nothing is told
			reading = append(reading, r)
		}
	}
	require.NotEmpty(t, reading)
	each := func(t *testing.T, f func(t *testing.T, r route.Route, send func(body, contentType string) service.Reply)) {
		for _, r := range reading {
			f(t, r, func(body, contentType string) service.Reply {
				return w.raw(t, r.Method, w.path(r), w.Admin(), []byte(body), int64(len(body)), contentType)
			})
		}
	}
	t.Run("C-030_C-031_C-035_no_JSON_object", func(t *testing.T) {
		each(t, func(t *testing.T, r route.Route, send func(body, contentType string) service.Reply) {
			for _, body := range []string{"", "{", "x", "{]", "[]", `"text"`, "7", "true", "null", `{"a":1}{"b":2}`, "\x00\xff", `{"a":1,}`} {
				require.Equal(t, 400, send(body, "application/json").Status, "%s %q", r.Key(), body)
			}
		})
	})
	t.Run("C-032_C-033_media_types_that_are_JSON", func(t *testing.T) {
		each(t, func(t *testing.T, r route.Route, send func(body, contentType string) service.Reply) {
			plain := send(`{"nothing":1}`, "application/json")
			for _, media := range []string{"", "application/vnd.openstack.identity-v3+json", "Application/JSON; charset=utf-8", "text/x+json"} {
				other := send(`{"nothing":1}`, media)
				require.Equal(t, plain.Status, other.Status, "%s %s", r.Key(), media)
				if plain.Status >= 400 {
					require.Equal(t, plain.Text, other.Text)
				}
			}
		})
		for _, media := range []string{"", "application/vnd.openstack.identity-v3+json"} {
			body := []byte(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"` + w.ada + `","password":"pw-ada"}}}}}`)
			require.Equal(t, 201, w.raw(t, "POST", "/v3/auth/tokens", "", body, int64(len(body)), media).Status)
		}
	})
	t.Run("C-034_media_types_that_are_not", func(t *testing.T) {
		each(t, func(t *testing.T, r route.Route, send func(body, contentType string) service.Reply) {
			for _, media := range []string{"application/xml", "text/plain", "application/x-www-form-urlencoded", "json"} {
				require.Equal(t, 415, send(`{"nothing":1}`, media).Status, "%s %s", r.Key(), media)
			}
		})
	})
	t.Run("C-036_C-037_C-038_how_much", func(t *testing.T) {
		padded := func(length int) []byte {
			body := `{"auth":{"unknown":"x","identity":{"methods":["password"],"password":{"user":{"id":"` + w.ada + `","password":"pw-ada","unknown":7}}}},"pad":"`
			return []byte(body + strings.Repeat("x", length-len(body)-2) + `"}`)
		}
		for _, known := range []bool{true, false} {
			length := func(n int64) int64 {
				if known {
					return n
				}
				return -1
			}
			fits, over := padded(api.MaxBodyBytes), padded(api.MaxBodyBytes+1)
			require.Len(t, fits, 114688)
			require.Equal(t, 201, w.raw(t, "POST", "/v3/auth/tokens", "", fits, length(114688), "application/json").Status)
			require.Equal(t, 413, w.raw(t, "POST", "/v3/auth/tokens", "", over, length(114689), "application/json").Status)
			for _, r := range reading {
				require.Equal(t, 413, w.raw(t, r.Method, w.path(r), w.Admin(), over, length(114689), "application/json").Status, r.Key())
				require.NotEqual(t, 413, w.raw(t, r.Method, w.path(r), w.Admin(), fits, length(114688), "application/json").Status, r.Key())
			}
		}
	})
}

// broken is a table that can be made to fail in a way that nobody foresaw.
type broken struct {
	store.Table
	with atomic.Pointer[error]
}

var errPrivate = errors.New("ProvisionedThroughput secret of arn:aws:dynamodb / USER#1")

func (b *broken) fail(err error) { b.with.Store(&err) }

func (b *broken) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if err := b.with.Load(); err != nil {
		if *err == nil {
			panic(errPrivate)
		}
		return nil, *err
	}
	return b.Table.Read(ctx, keys...)
}

func (b *broken) Query(ctx context.Context, r store.Range) (store.Page, error) {
	if err := b.with.Load(); err != nil && *err != nil {
		return store.Page{}, *err
	}
	return b.Table.Query(ctx, r)
}

func TestEveryFailure(t *testing.T) {
	b := &broken{}
	w := newWorld(t, service.WithTable(func(s store.Table) store.Table { b.Table = s; return b }))
	admin := w.Admin()
	login := service.PasswordAuth("admin", service.AdminPassword, nil)
	ask := func(r route.Route) service.Reply {
		if r.Operation == "IssueToken" {
			return w.Do(r.Method, w.path(r), admin, login)
		}
		return w.Do(r.Method, w.path(r), admin, nil)
	}
	for name, err := range map[string]error{"C-015_an_unexpected_error": errPrivate, "C-015_a_panic": nil} {
		t.Run(name, func(t *testing.T) {
			b.fail(err)
			defer b.with.Store(nil)
			for _, r := range all(t, func(r route.Route) bool { return isProtected(r) || r.Operation == "IssueToken" }) {
				reply := ask(r)
				w.common(t, r.Method, reply)
				require.Equal(t, 500, reply.Status, r.Key())
				for _, private := range []string{"secret", "arn:", "USER#", "goroutine", ".go", "panic", "read "} {
					require.NotContains(t, reply.Text, private)
				}
			}
		})
	}
	t.Run("C-016_the_table_does_not_answer", func(t *testing.T) {
		b.fail(store.ErrUnavailable)
		var group sync.WaitGroup
		for _, r := range all(t, func(r route.Route) bool { return isProtected(r) || r.Operation == "IssueToken" }) {
			group.Go(func() { // each waits a while before it gives up
				reply := ask(r)
				assert.Equal(t, 503, reply.Status, r.Key())
				assert.NotEmpty(t, reply.Header.Get("Retry-After"))
				assert.NotContains(t, reply.Text, "table")
			})
		}
		group.Wait()
		b.with.Store(nil)
		w.want(t, 200, "GET", "/v3/users", admin, nil)
	})
}
