package bulk_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/bulk"
	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/test/service"
)

// served is what is imported into a service that has been bootstrapped: `small` without
// what every service has.
func served() string {
	text := strings.NewReplacer(`"name":"reader"`, `"name":"watcher"`, `"name":"member"`, `"name":"worker"`).Replace(small)
	_, text, _ = strings.Cut(text, "\n")
	var b strings.Builder
	b.WriteString(text)
	for n := range 1201 { // more than two pages
		fmt.Fprintf(&b, `{"user":{"id":"u%04d","name":"user %04d","phone":null}}`+"\n", n, n)
	}
	fmt.Fprintln(&b, `{"role":{"id":"r-own","name":"own","domain_id":"default"}}`)
	fmt.Fprintln(&b, `{"assignment":{"role_id":"r-own","user_id":"u0001","domain_id":"default"}}`)
	return b.String()
}

// TestExport: what is exported from a running service is, imported elsewhere, the same
// directory. Pages are followed on the server that was named, whatever its links say.
func TestExport(t *testing.T) {
	s := service.New(t)
	f := strings.NewReader(served())
	survey, err := bulk.Look(f)
	require.NoError(t, err)
	_, err = bulk.Import(t.Context(), f, survey, bulk.Options{
		Directory: s.Directory, Table: s.Table, Refuse: func(r bulk.Refusal) error { return r.Why },
	})
	require.NoError(t, err)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)

	openrc := filepath.Join(t.TempDir(), "openrc")
	require.NoError(t, os.WriteFile(openrc, []byte(strings.Join([]string{
		`# an openrc file`, `export OS_AUTH_URL="` + server.URL + `/v3"`, `export OS_USERNAME='admin' # who`, `read -sr OS_PASSWORD_INPUT`,
		`export OS_PASSWORD=$OS_PASSWORD_INPUT`, `OS_PROJECT_NAME=admin`, `export OS_USER_DOMAIN_NAME=Default`, `export OS_PROJECT_DOMAIN_ID=default`,
	}, "\n")), 0o600))
	cloud, err := bulk.FindCloud(openrc, func(name string) string {
		return map[string]string{"OS_PASSWORD": service.AdminPassword}[name]
	})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, bulk.Export(t.Context(), cloud, http.DefaultClient, &out, nil))
	require.NotContains(t, out.String(), hash)
	require.NotContains(t, out.String(), "identity.test")

	b := newBench(t)
	counts, refused := b.run(out.String())
	require.Empty(t, refused)
	require.EqualValues(t, strings.Count(out.String(), "\n"), counts.Made)
	there, err := s.Directory.Assignments(t.Context(), store.NewReadSet(s.Table), directory.AssignmentFilter{})
	require.NoError(t, err)
	here, err := b.Assignments(t.Context(), b.rs(), directory.AssignmentFilter{})
	require.NoError(t, err)
	require.ElementsMatch(t, there.List, here.List)
	require.Equal(t, []string{"r-member", "r-reader"}, b.effective("bob", store.OnSystem()))
	users, _, err := b.Users(t.Context(), directory.Page{Limit: 5000}, func(directory.User) bool { return true })
	require.NoError(t, err)
	require.Len(t, users, 1201+3)
	require.NoError(t, b.DeleteProject(t.Context(), b.rs(), "p-lowest"), "the tree is the same")
}

// TestFindCloud: where a cloud is read from, and what is said when it cannot be.
func TestFindCloud(t *testing.T) {
	dir := t.TempDir()
	clouds := filepath.Join(dir, "clouds.yaml")
	require.NoError(t, os.WriteFile(clouds, []byte("clouds:\n  prod:\n    auth: {auth_url: 'https://id.example:5000', username: root, password: p}\n"), 0o600))
	env := func(name string) string { return map[string]string{"OS_CLIENT_CONFIG_FILE": clouds}[name] }
	c, err := bulk.FindCloud("prod", env)
	require.NoError(t, err)
	require.Equal(t, "root", c.Username)
	_, err = bulk.FindCloud("test", env)
	require.ErrorContains(t, err, "neither an openrc file nor a cloud")
	_, err = bulk.FindCloud(filepath.Join(dir, "none"), env)
	require.ErrorIs(t, err, os.ErrNotExist)
	rc := filepath.Join(dir, "rc")
	require.NoError(t, os.WriteFile(rc, []byte("export OS_AUTH_URL=https://id.example\nexport OS_USERNAME=root\n"), 0o600))
	_, err = bulk.FindCloud(rc, env)
	require.ErrorContains(t, err, "set OS_PASSWORD")
}
