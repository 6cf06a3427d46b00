package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"mandate/shared/app"
	"mandate/shared/bulk"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

const (
	password = "growth"
	perRound = 200 // requests of each kind to each table in a round
	pageOf   = 50
)

// A table is one of the two services that are compared.
type table struct {
	name    string
	users   int
	service *local.Service
	close   func() error
	admin   string
	subject string
	times   map[string][]float64 // microseconds of one request, a median for each round
}

func (m measurement) open(ctx context.Context, name, data string, users int) (*table, error) {
	engine, err := embedded.Open(embedded.Options{Path: filepath.Join(data, "table.db")})
	if err != nil {
		return nil, err
	}
	key, err := secret.OpenMasterKey(filepath.Join(data, "master.key"))
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	settings, err := config.Read(func(string) string { return "" })
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	a, err := app.New(ctx, app.Parts{Config: settings, Table: engine, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	t := &table{name: name, users: users, close: engine.Close, times: map[string][]float64{}}
	if t.service, err = local.Serve(a); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	_, err = a.Directory.Bootstrap(ctx, directory.BootstrapOptions{AdminPassword: secret.New(password), PublicURL: "http://127.0.0.1/v3"})
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	user := bulk.GeneratedID("user", users/2)
	word := secret.New(password)
	if _, err := a.Directory.UpdateUser(ctx, store.NewReadSet(a.Table), user, func(*directory.User) error { return nil }, &word); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	project := (users / 2) % map[bool]int{true: m.projects, false: 20}[users == m.users]
	t.admin, err = t.login(ctx, `{"name":"admin","domain":{"id":"default"}`, `{"name":"admin","domain":{"id":"default"}}`)
	if err == nil {
		t.subject, err = t.login(ctx, fmt.Sprintf(`{"id":%q`, user), fmt.Sprintf(`{"id":%q}`, bulk.GeneratedID("project", project)))
	}
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return t, nil
}

// login signs a user in; user lacks its password and end.
func (t *table) login(ctx context.Context, user, project string) (string, error) {
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":%s,"password":%q}}},"scope":{"project":%s}}}`, user, password, project)
	w := t.send(ctx, http.MethodPost, "/v3/auth/tokens", body, "Content-Type", "application/json")
	if w.Code != http.StatusCreated {
		return "", fmt.Errorf("sign in to the %s table: %d %s", t.name, w.Code, w.Body)
	}
	return w.Header().Get("X-Subject-Token"), nil
}

func (t *table) send(ctx context.Context, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, strings.NewReader(body))
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	t.service.ServeHTTP(w, r)
	return w
}

// kinds are the requests that are compared. n counts the requests of a table.
var kinds = []struct {
	name string
	do   func(ctx context.Context, t *table, n int) *httptest.ResponseRecorder
}{
	{"validate a token", func(ctx context.Context, t *table, _ int) *httptest.ResponseRecorder {
		return t.send(ctx, http.MethodGet, "/v3/auth/tokens", "", "X-Auth-Token", t.admin, "X-Subject-Token", t.subject)
	}},
	{"list a page of users", func(ctx context.Context, t *table, _ int) *httptest.ResponseRecorder {
		return t.send(ctx, http.MethodGet, fmt.Sprintf("/v3/users?limit=%d", pageOf), "", "X-Auth-Token", t.admin)
	}},
	{"list a page anywhere", func(ctx context.Context, t *table, n int) *httptest.ResponseRecorder {
		// Everywhere in turn, so that the pages of the large table are in no cache of ours.
		at := n * 7919 % (t.users - pageOf - 1)
		return t.send(ctx, http.MethodGet, fmt.Sprintf("/v3/users?limit=%d&marker=%s", pageOf, bulk.GeneratedID("user", at)), "", "X-Auth-Token", t.admin)
	}},
}

// compare measures both tables in turn, so that whatever else the machine does meets both.
func (m measurement) compare(ctx context.Context, small, large string) (err error) {
	few, err := m.open(ctx, "small", small, 100)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.close()) }()
	many, err := m.open(ctx, "large", large, m.users)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, many.close()) }()
	n := 0
	for round := range m.rounds + 1 { // the first warms up
		for _, k := range kinds {
			tables := []*table{few, many}
			if round%2 == 1 {
				slices.Reverse(tables)
			}
			for _, t := range tables {
				times := make([]float64, 0, perRound)
				runtime.GC()
				for i := range perRound {
					began := time.Now()
					w := k.do(ctx, t, n+i)
					times = append(times, float64(time.Since(began).Nanoseconds())/1000)
					if w.Code != http.StatusOK {
						return fmt.Errorf("%s in the %s table: %d %s", k.name, t.name, w.Code, w.Body)
					}
				}
				if round > 0 {
					t.times[k.name] = append(t.times[k.name], median(times))
				}
			}
		}
		n += perRound
	}
	var slow error
	fmt.Printf("median of %d rounds of %d requests, microseconds:\n", m.rounds, perRound)
	for _, k := range kinds {
		a, b := median(few.times[k.name]), median(many.times[k.name])
		fmt.Printf("  %-22s %4d users %7.1f   %7d users %7.1f   ratio %.2f\n", k.name, few.users, a, many.users, b, b/a)
		if b/a > m.limit {
			slow = fmt.Errorf("%s takes %.2f times as long, more than %.2f", k.name, b/a, m.limit)
		}
	}
	return slow
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
