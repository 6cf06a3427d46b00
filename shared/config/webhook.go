package config

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"mandate/shared/secret"
)

// Webhook is where `mandate serve` posts what ended. It is no variable of the template: in
// the cloud the bus does it (EVENT_BUS, with an API destination), and a secret would stand
// in the environment of every function.
type Webhook struct {
	URL              string      // WEBHOOK_URL: where to; "" nowhere. http only beside WEBHOOK_ALLOW_PRIVATE
	Secret           secret.Text // WEBHOOK_SECRET: whsec_ and 24 to 64 random bytes in base64, as Standard Webhooks has it
	Hosts            []string    // WEBHOOK_HOSTS: host names, separated by commas, of which that of the URL must be one
	PrivateAddresses bool        // WEBHOOK_ALLOW_PRIVATE: whether it may be at a private, loopback or link-local address (false)
}

// ReadWebhook takes the webhook's settings from an environment and reports every problem at
// once. No message has the secret in it.
func ReadWebhook(env func(string) string) (Webhook, error) {
	r := reader{env: env}
	w := Webhook{URL: env("WEBHOOK_URL"), Secret: secret.New(env("WEBHOOK_SECRET")), PrivateAddresses: r.flag("WEBHOOK_ALLOW_PRIVATE", false)}
	if w.URL == "" {
		return Webhook{}, errors.Join(r.problems...)
	}
	for host := range strings.SplitSeq(env("WEBHOOK_HOSTS"), ",") {
		if host = strings.ToLower(strings.TrimSpace(host)); host != "" {
			w.Hosts = append(w.Hosts, host)
		}
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.problems = append(r.problems, errors.New("WEBHOOK_URL: must be an https URL without a user or fragment"))
	case u.Scheme == "http" && !w.PrivateAddresses:
		r.problems = append(r.problems, errors.New("WEBHOOK_URL: must be https; http only beside WEBHOOK_ALLOW_PRIVATE=true"))
	case !slices.Contains(w.Hosts, strings.ToLower(u.Hostname())):
		r.problems = append(r.problems, errors.New("WEBHOOK_HOSTS: must have the host of WEBHOOK_URL"))
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.Secret.Reveal(), "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		r.problems = append(r.problems, errors.New("WEBHOOK_SECRET: must be whsec_ and 24 to 64 bytes in base64 (printf 'whsec_%s' \"$(openssl rand -base64 32)\")"))
	}
	return w, errors.Join(r.problems...)
}
