package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/config"
)

func TestWebhook(t *testing.T) {
	const good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
	for _, c := range []struct{ name, url, secret, hosts, private, wrong string }{
		{"nothing set", "", "", "", "", ""},
		{"https to an allowed host", "https://hooks.example:8443/x", good, "a.example, Hooks.Example", "", ""},
		{"http on a private network", "http://127.0.0.1:9/x", good, "127.0.0.1", "true", ""},
		{"http to the world", "http://hooks.example/x", good, "hooks.example", "", "must be https"},
		{"a host that is not allowed", "https://hooks.example/x", good, "example", "", "WEBHOOK_HOSTS"},
		{"no host allowed", "https://hooks.example/x", good, "", "", "WEBHOOK_HOSTS"},
		{"no secret", "https://hooks.example/x", "", "hooks.example", "", "WEBHOOK_SECRET"},
		{"a short secret", "https://hooks.example/x", "whsec_c2hvcnQ=", "hooks.example", "", "WEBHOOK_SECRET"},
		{"a user in the URL", "https://me:pw@hooks.example/x", good, "hooks.example", "", "WEBHOOK_URL"},
		{"another scheme", "file:///etc/passwd", good, "", "", "WEBHOOK_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := config.ReadWebhook(env(map[string]string{
				"WEBHOOK_URL": c.url, "WEBHOOK_SECRET": c.secret, "WEBHOOK_HOSTS": c.hosts, "WEBHOOK_ALLOW_PRIVATE": c.private,
			}))
			if c.wrong == "" {
				require.NoError(t, err)
				assert.Equal(t, c.url, w.URL)
				return
			}
			require.ErrorContains(t, err, c.wrong)
			if c.secret != "" {
				assert.NotContains(t, err.Error(), c.secret)
			}
		})
	}
}
