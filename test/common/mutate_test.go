package common

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/functions/routes"
	"mandate/test/service"
)

// bodies are requests that are good, or nearly, by operation: what is sent is made of them.
func (w *world) good() map[string]any {
	named := object{"name": "fresh", "description": "d", "enabled": true}
	user := object{"name": "fresh", "email": "e", "options": object{"lock_password": false}, "default_project_id": w.web}
	trust := object{
		"trustor_user_id": w.ada, "trustee_user_id": w.names["user_id"], "project_id": w.web, "impersonation": true, "remaining_uses": 3,
		"roles": []any{object{"name": "member"}}, "expires_at": "2099-01-01T00:00:00Z", "allow_redelegation": true, "redelegation_count": 1,
	}
	arranged := maps.Clone(trust)
	delete(arranged, "trustor_user_id")
	endpoint := object{"service_id": w.names["service_id"], "interface": "public", "url": "https://e.example/$(project_id)s", "region_id": "north"}
	return map[string]any{
		"IssueToken":        service.TokenAuth(w.Login("ada", "pw-ada", nil), service.OnProject(w.web)),
		"IssueTokenV2":      object{"auth": object{"token": object{"id": w.Login("ada", "pw-ada", nil)}, "tenantName": "web"}},
		"CreateUser":        object{"user": user},
		"UpdateUser":        object{"user": user},
		"ChangePassword":    object{"user": object{"original_password": "no", "password": "x"}},
		"CreateProject":     object{"project": object{"name": "fresh", "domain_id": "default", "parent_id": w.web, "tags": []any{"a"}, "is_domain": false}},
		"UpdateProject":     object{"project": named},
		"CreateDomain":      object{"domain": named},
		"UpdateDomain":      object{"domain": named},
		"CreateGroup":       object{"group": object{"name": "fresh", "domain_id": "default"}},
		"UpdateGroup":       object{"group": object{"name": "fresh"}},
		"CreateRole":        object{"role": object{"name": "fresh", "domain_id": "default"}},
		"UpdateRole":        object{"role": object{"name": "fresh"}},
		"CreateService":     object{"service": object{"type": "t", "name": "n", "enabled": true}},
		"UpdateService":     object{"service": object{"type": "t"}},
		"CreateEndpoint":    object{"endpoint": endpoint},
		"UpdateEndpoint":    object{"endpoint": endpoint},
		"CreateRegion":      object{"region": object{"id": "south", "parent_region_id": "north"}},
		"UpdateRegion":      object{"region": object{"description": "x"}},
		"CreateTrust":       object{"trust": trust},
		"UpdateProjectTags": object{"tags": []any{"red", "blue"}},

		"CreatePreauthentication": object{"preauthentication": arranged},
		"UpdatePreauthentication": object{"preauthentication": object{"description": "x", "remaining_uses": nil}},
		"CreateCredential":        object{"credential": object{"type": "ec2", "blob": `{"access":"a","secret":"s"}`, "project_id": w.web, "user_id": w.ada}},
	}
}

var (
	odd = []string{
		"", "\x00", "\xff\xfe", "..", ".", "/", "%", "%2F", "é", "𝔘", "null", "0", "-1", "1e999", "true", "{}", "[]", "'", "\"", "a b", "#", "HEAD", "USER",
		strings.Repeat("x", 300), strings.Repeat("é", 900), "9999-99-99T99:99:99Z", "2031-02-30T00:00:00", "default", "admin", "\r\nX: y", "$(project_id)s",
	}
	values = []any{
		nil, true, false, 0, -1, 1.5, 1e300, int64(1) << 62, "", "x", "unscoped", []any{}, []any{nil}, []any{[]any{}}, object{}, object{"id": nil}, object{"": ""},
		object{"id": "default"}, []any{object{"id": "x"}, object{"name": 7}},
	}
	queries = []string{
		"limit", "marker", "name", "domain_id", "enabled", "nocatalog", "allow_expired", "cascade", "trustor_user_id", "trustee_user_id", "include_names",
		"effective", "parent_id", "tags", "not-tags-any", "name__contains", "scope.project.id", "user.id", "subtree_as_ids", "project_id", "since", "type",
	}
	methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW"}
	medias  = []string{"", "application/json", "application/vnd.openstack.identity-v3+json", "text/plain", "application/x-www-form-urlencoded", ";", "\xff", "a/b+json; x"}
	accepts = []string{"", "*/*", "text/html", "application/json-home", "application/json-home;q=x", ",,;", "\xff"}

	// private is what only the inside of the service would say.
	private = []string{
		"goroutine", "panic", "runtime error", ".go:", "dynamodb", "bbolt", "json:", "strconv", "unmarshal", "nil pointer", "USER#", "TOKEN#", "TRUST#",
		"PROJECT#", "GRANT#", "NAME#", "HEAD#", "mutation", "read set", "mandate/", "context deadline", "*errors", "invalid call",
	}
)

type mutator struct {
	*world
	*rand.Rand
	good   map[string]any
	tokens []string // what requests are made with beside the administrator's
	admin  string
}

// ready signs in again where earlier requests ended it; false when that cannot be done.
func (m *mutator) ready() bool {
	if m.admin != "" && m.Do("GET", "/v3/auth/system", m.admin, nil).Status == 200 {
		return true
	}
	scope := object{"project": object{"name": "admin", "domain": object{"id": "default"}}}
	r := m.Do("POST", "/v3/auth/tokens", "", service.PasswordAuth("admin", service.AdminPassword, scope))
	m.admin = r.Header.Get("X-Subject-Token")
	return r.Status == http.StatusCreated
}

func pick[T any](m *mutator, from []T) T { return from[m.IntN(len(from))] }

func (m *mutator) sometimes(one int) bool { return m.IntN(one) == 0 }

// request makes one request: a good one of some route, with some things about it wrong.
func (m *mutator) request() *http.Request {
	r := pick(m, routes.Table)
	for m.sometimes(2) && m.good[r.Operation] == nil { // more of those that read a body
		r = pick(m, routes.Table)
	}
	method, path := r.Method, parameter.ReplaceAllStringFunc(r.Path, func(p string) string {
		value, ok := m.names[p[1:len(p)-1]]
		if !ok || m.sometimes(12) {
			value = pick(m, odd)
		}
		return url.PathEscape(value)
	})
	if m.sometimes(12) {
		method = pick(m, methods)
	}
	if m.sometimes(25) {
		parts := strings.Split(path, "/")
		n := m.IntN(len(parts))
		path = strings.Join(slices.Replace(parts, n, n+m.IntN(2), url.PathEscape(pick(m, odd))), "/")
	}
	if m.sometimes(20) {
		path += "/"
	}
	if m.sometimes(3) {
		var q []string
		for range 1 + m.IntN(3) {
			value := pick(m, odd)
			if m.sometimes(3) {
				value = strconv.Itoa(m.IntN(5))
			}
			q = append(q, pick(m, queries)+"="+url.QueryEscape(value))
		}
		if m.sometimes(10) {
			q = append(q, "%zz", "=", ";")
		}
		path += "?" + strings.Join(q, "&")
	}
	body := m.body(r.Operation, method)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u, err := url.Parse(service.Base + path)
	if err != nil {
		u, _ = url.Parse(service.Base + "/v3")
	}
	request := httptest.NewRequestWithContext(context.Background(), "GET", service.Base, strings.NewReader(body))
	request.Method, request.URL, request.RequestURI = method, u, u.RequestURI()
	if m.sometimes(8) {
		request.ContentLength = -1
	}
	m.headers(request.Header)
	return request
}

func (m *mutator) headers(h http.Header) {
	h.Set("Content-Type", "application/json")
	if m.sometimes(15) {
		h.Set("Content-Type", pick(m, medias))
	}
	if !m.sometimes(20) {
		h.Set("X-Auth-Token", m.token())
	}
	if m.sometimes(3) {
		h.Set("X-Subject-Token", pick(m, m.tokens))
	}
	if m.sometimes(10) {
		h.Set("Accept", pick(m, accepts))
	}
	if m.sometimes(30) {
		h.Set(pick(m, []string{"X-Openstack-Request-Id", "Authorization", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-For", "If-Match", "Cookie"}), pick(m, odd))
	}
}

func (m *mutator) token() string {
	token := m.admin
	if m.sometimes(4) {
		token = pick(m, m.tokens)
	}
	if m.sometimes(20) {
		token = token[:m.IntN(len(token))] + pick(m, odd)
	}
	return token
}

func (m *mutator) body(operation, method string) string {
	good, ok := m.good[operation]
	if !ok {
		if method == "GET" || method == "DELETE" || m.sometimes(2) {
			return ""
		}
		good = object{pick(m, []string{"user", "auth", "trust", "consumer", "role", "x"}): object{"name": "n", "roles": []any{object{"id": "x"}}}}
	}
	if m.sometimes(3) {
		return encoded(good)
	}
	for range 1 + m.IntN(2) {
		good = m.bent(good)
	}
	text := encoded(good)
	for m.sometimes(4) {
		n := m.IntN(len(text) + 1)
		switch m.IntN(5) {
		case 0:
			text = text[:n]
		case 1:
			text = text[:n] + pick(m, odd) + text[n:]
		case 2:
			text = text[:n] + string([]byte{pick(m, []byte("\x00\x01\t\n \"\\,:{}[]0eE-\x7f\x80\xc3\xed\xff"))}) + text[min(n+1, len(text)):]
		case 3:
			text = strings.Repeat("[", m.IntN(2000)) + text
		case 4:
			text = strings.Replace(text, `{"`, `{"id":"twice","`, 1+m.IntN(2))
		}
	}
	return text
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// bent is a copy of a value in which one thing is another.
func (m *mutator) bent(v any) any {
	if m.sometimes(5) {
		return m.strange()
	}
	switch v := v.(type) {
	case object:
		o := maps.Clone(v)
		name := "unknown"
		if len(o) > 0 {
			name = pick(m, slices.Sorted(maps.Keys(o)))
		}
		switch m.IntN(6) {
		case 0:
			delete(o, name)
		case 1:
			o[pick(m, odd)] = m.strange()
		default:
			o[name] = m.bent(o[name])
		}
		return o
	case []any:
		list := slices.Clone(v)
		if len(list) == 0 || m.sometimes(4) {
			return append(list, m.strange())
		}
		n := m.IntN(len(list))
		list[n] = m.bent(list[n])
		return list
	default:
		return m.strange()
	}
}

func (m *mutator) strange() any {
	if m.sometimes(2) {
		return strings.ToValidUTF8(pick(m, odd), "?")
	}
	return pick(m, values)
}

// each is how many requests are sent to one service; by then much of it is gone.
const each = 1250

// TestMutatedRequests sends requests that are good but for something, to every route:
// 10,000, or as many as MUTATIONS says, drawn from MUTATION_SEED.
func TestMutatedRequests(t *testing.T) {
	number := func(name string, preset int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return preset
	}
	seed, statuses, sent := number("MUTATION_SEED", 1), map[int]int{}, 0
	for run := 0; sent < number("MUTATIONS", 10_000); run++ {
		w := newWorld(t)
		w.names["user_id"] = w.ID("users", "user", object{"name": "eve", "password": "pw-eve"}) // those who ask, and where they are somebody, stay
		w.names["domain_id"] = w.ID("domains", "domain", object{"name": "elsewhere"})
		w.names["project_id"] = w.ID("projects", "project", object{"name": "elsewhere"})
		m := &mutator{world: w, Rand: rand.New(rand.NewPCG(uint64(seed), uint64(run))), good: w.good()} //nolint:gosec // G404: a test's choice
		m.tokens = []string{
			w.Login("ada", "pw-ada", service.OnProject(w.web)), w.Login("ada", "pw-ada", nil), w.Login("admin", service.AdminPassword, service.OnSystem()),
			w.Login("admin", service.AdminPassword, service.ByTrust(w.names["trust_id"])), w.names["token_id"],
		}
		for n := range each {
			if n%20 == 0 && !m.ready() {
				break
			}
			r := m.request()
			what := fmt.Sprintf("MUTATION_SEED=%d, run %d: %s %s %v", seed, run, r.Method, r.URL, r.Header)
			reply := w.Send(r)
			sent++
			statuses[reply.Status]++
			require.Less(t, reply.Status, 500, "%s\n%s", what, reply.Text)
			if reply.Status != http.StatusRequestHeaderFieldsTooLarge && !isPage(reply) {
				w.common(t, r.Method, reply)
			}
			if reply.Status >= 400 {
				for _, word := range private {
					require.NotContains(t, reply.Text, word, what)
				}
			}
		}
		if run%4 == 3 {
			w.Drain() // and what follows from all that does not fail either
		}
	}
	t.Logf("%d requests: %v", sent, statuses)
	for _, status := range []int{200, 201, 204, 400, 401, 403, 404, 405, 415} {
		require.Positive(t, statuses[status], "no request was answered by %d", status)
	}
}
