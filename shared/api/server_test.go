package api_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// people stands for the token service: it knows who each token is, after it has read
// something, as the service does.
type people map[string]policy.Caller

func (p people) Caller(rs *store.ReadSet, bearer secret.Text) (policy.Caller, error) {
	if _, err := rs.Get(store.Deployment()); err != nil {
		return policy.Caller{}, err
	}
	switch bearer.Reveal() {
	case goneProject:
		return policy.Caller{UserID: "leak"}, problem.NotFound("project", "p")
	case hollowTrust:
		return policy.Caller{UserID: "leak"}, problem.ForbiddenBecause("the trustor lost the role")
	}
	c, ok := p[bearer.Reveal()]
	if !ok {
		return policy.Caller{}, problem.Unauthorized(errors.New("no such token"))
	}
	return c, nil
}

const (
	memberToken = "gAAAA-member-token"
	adminToken  = "gAAAA-admin-token"
	goneProject = "gAAAA-of-a-gone-project"
	hollowTrust = "gAAAA-of-a-hollow-trust"
)

var (
	noon   = time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)
	member = policy.Caller{UserID: "ada", SubjectID: "ada", Scope: policy.ProjectScoped, ProjectID: "web", ProjectDomainID: "default",
		Roles: []string{"member", "reader"}, Methods: []string{"password"}, AuditID: "audit-1"}
	admin = policy.Caller{UserID: "root", SubjectID: "root", Scope: policy.SystemScoped,
		Roles: []string{"admin", "manager", "member", "reader"}, Methods: []string{"password"}, AuditID: "audit-2"}
)

// bench is a server over a table in memory, and its log.
type bench struct {
	*api.Server
	log *bytes.Buffer
}

func newBench(t testing.TB) bench {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	engine, err := policy.New(policy.SelfService)
	require.NoError(t, err)
	log := new(bytes.Buffer)
	return bench{&api.Server{
		Table: table, Tokens: people{memberToken: member, adminToken: admin}, Policy: engine,
		Now: func() time.Time { return noon }, PublicURL: "https://id.example", Log: slog.New(slog.NewJSONHandler(log, nil)),
	}, log}
}

type reply struct {
	*http.Response
	body []byte
}

// member is a member of the reply's body.
func (r reply) member(t *testing.T, path ...string) any {
	t.Helper()
	var at any
	require.NoError(t, json.Unmarshal(r.body, &at), "%s", r.body)
	for _, name := range path {
		object, ok := at.(map[string]any)
		require.True(t, ok, "%s has no %v", r.body, path)
		at = object[name]
	}
	return at
}

func (b bench) send(t *testing.T, o api.Operation, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	o.Handler(b.Server).ServeHTTP(w, r)
	response := w.Result()
	return reply{response, w.Body.Bytes()}
}

// line is the log line of the last request.
func (b bench) line(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &line))
	return line
}

func request(method, url, token, body string) *http.Request {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	return r
}

// The operations of these tests.

type showUser struct {
	ID string `path:"user_id"`
}

type userBody struct {
	User struct {
		ID   string `json:"id"`
		Self string `json:"self"`
	} `json:"user"`
}

func show() api.Operation {
	return api.Op(api.Spec[showUser]{Name: "GetUser", Action: "identity:get_user"},
		func(_ context.Context, c *api.Call, in showUser) (userBody, error) {
			var out userBody
			if err := c.Authorize(policy.User{ID: in.ID}); err != nil {
				return out, err
			}
			out.User.ID, out.User.Self = in.ID, c.Link("users", in.ID)
			return out, nil
		})
}

type createRegion struct {
	Body struct {
		Region struct {
			ID          string `json:"id"`
			Description string `json:"description"`
			Enabled     bool   `json:"enabled"`
			Size        int64  `json:"size"`
			Tags        []struct {
				Name string `json:"name"`
			} `json:"tags"`
		} `json:"region"`
	} `body:"json"`
}

type regionBody struct {
	Region map[string]string `json:"region"`
}

func create(bodyFirst bool) api.Operation {
	return api.Op(api.Spec[createRegion]{Name: "CreateRegion", Action: "identity:create_region", Status: http.StatusCreated, BodyFirst: bodyFirst},
		func(_ context.Context, c *api.Call, in createRegion) (regionBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return regionBody{}, err
			}
			return regionBody{map[string]string{"id": in.Body.Region.ID, "description": in.Body.Region.Description}}, nil
		})
}

type nothing struct{}

// answer is an operation that ends as the test says.
func answer(open bool, do func(c *api.Call) error) api.Operation {
	return api.Op(api.Spec[nothing]{Name: "Answer", Action: "identity:list_regions", Open: open},
		func(_ context.Context, c *api.Call, _ nothing) (userBody, error) { return userBody{}, do(c) })
}
