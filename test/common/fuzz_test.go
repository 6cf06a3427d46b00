package common

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMarker: whatever a client gives as the place where a list goes on, it gets a page,
// or is told that there is no such place or number; a page leads on to a page.
func FuzzMarker(f *testing.F) {
	w := newWorld(f)
	admin := w.Admin()
	audit := w.Must(200, "GET", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", w.Admin()).Member("token")["audit_ids"].([]any)[0].(string)
	lists := []string{
		"/v3/users", "/v3/groups", "/v3/projects", "/v3/domains", "/v3/OS-TRUST/trusts", "/v3/OS-TRUST/trusts?trustor_user_id=" + w.ada,
		"/v3/users/" + w.names["user_id"] + "/tokens", "/v3/auth/tokens/OS-PKI/revoked", "/v2.0/tenants",
	}
	for n := range lists {
		for _, marker := range []string{"", w.web, w.ada, audit, "AAAAAAAAAAAAAAAAAAAAAA", "default", "\x00", "\xff", "é", "#", "ffffffffffffffffffffffffffffffff"} {
			f.Add(byte(n), marker, "1")
		}
		f.Add(byte(n), w.ada, "0")
	}
	f.Fuzz(func(t *testing.T, n byte, marker, limit string) {
		path, err := url.Parse(lists[int(n)%len(lists)])
		require.NoError(t, err)
		query := path.Query()
		query.Set("marker", marker)
		query.Set("limit", limit)
		path.RawQuery = query.Encode()
		r := w.do(t, "GET", path.String(), admin, nil)
		if len(path.RawQuery) < 9000 {
			require.Contains(t, []int{200, 400, 404}, r.Status, r.Text)
		}
		links := r.Member("links")
		if next, ok := links["next"].(string); r.Status == 200 && ok {
			u, err := url.Parse(next)
			require.NoError(t, err)
			require.Equal(t, 200, w.do(t, "GET", u.RequestURI(), admin, nil).Status, next)
		}
	})
}
