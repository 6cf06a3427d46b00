package bootstrap_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/functions/bootstrap"
	"mandate/shared/gateway"
	"mandate/test/service"
)

// deployment is a service over a table that nobody has made ready, and its log.
type deployment struct {
	*service.Service
	t   *testing.T
	log bytes.Buffer
}

func deploy(t *testing.T, with ...service.Option) *deployment {
	d := &deployment{t: t}
	log := slog.New(slog.NewJSONHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d.Service = service.New(t, append(with, service.Second(), service.WithLog(log))...) // Second: without a bootstrap
	return d
}

// invoke does what `aws lambda invoke` does.
func (d *deployment) invoke(payload string) (reply bootstrap.Reply, err error) {
	text, err := gateway.Scheduled(bootstrap.New(d.App)).Invoke(d.t.Context(), []byte(payload))
	if err == nil {
		err = json.Unmarshal(text, &reply)
	}
	return reply, err
}

func (d *deployment) must(payload string) bootstrap.Reply {
	d.t.Helper()
	r, err := d.invoke(payload)
	require.NoError(d.t, err)
	return r
}

func (d *deployment) login(password string) service.Reply {
	return d.Do("POST", "/v3/auth/tokens", "", service.PasswordAuth("admin", password, service.OnSystem()))
}

func TestBootstrap(t *testing.T) {
	d := deploy(t)
	first := d.must(`{"public_url": "https://id.example/v3", "internal_url": "https://inside.example/v3"}`)
	require.Len(t, first.AdminPassword, 26, "130 bits of base32")
	signedIn := d.login(first.AdminPassword)
	require.Equal(t, http.StatusCreated, signedIn.Status, signedIn.Text)
	token := signedIn.Header.Get("X-Subject-Token")
	assert.Equal(t, map[string]string{"public": "https://id.example/v3", "internal": "https://inside.example/v3"}, d.urls(token))

	for _, payload := range []string{"", "null", "{}"} {
		again := d.must(payload)
		require.Empty(t, again.AdminPassword, "it is shown once")
		again.AdminPassword = first.AdminPassword
		require.Equal(t, first, again, "ids stay")
	}
	d.Must(http.StatusOK, "GET", "/v3/auth/tokens", token, nil, "X-Subject-Token", token)
	require.Equal(t, http.StatusCreated, d.login(first.AdminPassword).Status, "a password that is not named stays")

	changed := d.must(`{"admin_password": "chosen-by-hand", "public_url": "https://new.example/v3"}`)
	assert.Equal(t, bootstrap.Reply{UserID: first.UserID, ProjectID: first.ProjectID, RoleID: first.RoleID}, changed)
	require.Equal(t, http.StatusUnauthorized, d.login(first.AdminPassword).Status)
	signedIn = d.login("chosen-by-hand")
	require.Equal(t, http.StatusCreated, signedIn.Status)
	require.Equal(t, http.StatusUnauthorized, d.Do("GET", "/v3/auth/tokens", token, nil, "X-Subject-Token", token).Status,
		"tokens of the password before")
	assert.Equal(t, "https://new.example/v3", d.urls(signedIn.Header.Get("X-Subject-Token"))["public"])

	require.NotEmpty(t, d.log.String())
	assert.NotContains(t, d.log.String(), first.AdminPassword)
	assert.NotContains(t, d.log.String(), "chosen-by-hand")
}

// urls are the endpoints in the catalog by interface.
func (d *deployment) urls(token string) map[string]string {
	d.t.Helper()
	found := map[string]string{}
	for _, e := range d.Must(http.StatusOK, "GET", "/v3/endpoints", token, nil).Body["endpoints"].([]any) {
		e := e.(map[string]any)
		found[e["interface"].(string)] = e["url"].(string)
	}
	return found
}

// TestPasswordNamedAtTheFirstRun: nothing is generated, and nothing shown.
func TestPasswordNamedAtTheFirstRun(t *testing.T) {
	d := deploy(t)
	assert.Empty(t, d.must(`{"admin_password": "chosen-by-hand"}`).AdminPassword)
	signedIn := d.login("chosen-by-hand")
	require.Equal(t, http.StatusCreated, signedIn.Status)
	assert.Equal(t, map[string]string{"public": service.Base + "/v3"}, d.urls(signedIn.Header.Get("X-Subject-Token")), "from PUBLIC_URL")
}

// TestManyAtOnce: one of them is told the password, and it is the one that holds.
func TestManyAtOnce(t *testing.T) {
	d := deploy(t)
	var group sync.WaitGroup
	replies := make([]bootstrap.Reply, 4)
	for n := range replies {
		group.Go(func() { replies[n] = d.must("{}") })
	}
	group.Wait()
	var told []string
	for _, r := range replies {
		assert.Equal(t, replies[0].UserID, r.UserID)
		if r.AdminPassword != "" {
			told = append(told, r.AdminPassword)
		}
	}
	require.Len(t, told, 1)
	require.Equal(t, http.StatusCreated, d.login(told[0]).Status)
}

// TestBadPayload: what is wrong is named, no value is repeated, and nothing is made.
func TestBadPayload(t *testing.T) {
	d := deploy(t, service.WithVariable("PUBLIC_URL", ""))
	for payload, want := range map[string]string{
		`{}`:                                   "public_url: it is required",
		`{"public_url": "id.hunter2/v3"}`:      "public_url: it must be a URL",
		`{"public_url": "https://id.example"}`: "public_url: it must end with /v3",
		`{"public_url": "https://id.example/v3", "admin_url": "hunter2"}`: "admin_url: it must be a URL",
		`{"public_url": "https://id.example/v3", "internal_url": 5}`:      "internal_url: it must be a string",
		`{"public_url": "https://id.example/v3", "admin_password": 22}`:   "admin_password: it must be a string",
		`{"public_url": "https://id.example/v3", "admin_password": ""}`:   "admin_password: it must not be empty",
		`{"public_url": "https://id.example/v3", "password": "hunter2"}`:  "the payload: it must have the members",
		`{"admin_password": "hunter2", "admin_password": "hunter2"}`:      "admin_password: it is there twice",
		`{"admin_password": "hunter2"`:                                    "is not JSON",
		`["hunter2"]`:                                                     "the body: it must be",
	} {
		_, err := d.invoke(payload)
		require.ErrorContains(t, err, want, payload)
		assert.NotContains(t, err.Error(), "hunter2", payload)
	}
	made, err := d.Directory.Bootstrapped(t.Context())
	require.NoError(t, err)
	assert.False(t, made)
	assert.NotContains(t, d.log.String(), "hunter2")
}
