package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// client knows where the service is and how to sign in.
type client struct {
	host, base string
	token      string // project-scoped, of the user in the openrc
	password   string // body of the sign-in
}

// kase is one request that is measured, and the status it must get.
type kase struct {
	name string
	raw  []byte
	want int
}

func signIn(env func(string) string) (*client, error) {
	u, err := url.Parse(env("OS_AUTH_URL"))
	if err != nil || u.Host == "" {
		return nil, errors.New("OS_AUTH_URL is not set: source the openrc that make run wrote")
	}
	c := &client{host: u.Host, base: strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v3") + "/v3"}
	body, err := json.Marshal(map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": env("OS_USERNAME"), "domain": map[string]any{"name": env("OS_USER_DOMAIN_NAME")}, "password": env("OS_PASSWORD"),
		}}},
		"scope": map[string]any{"project": map[string]any{
			"name": env("OS_PROJECT_NAME"), "domain": map[string]any{"name": env("OS_PROJECT_DOMAIN_NAME")},
		}},
	}})
	if err != nil {
		return nil, err
	}
	c.password = string(body)
	c.token, err = c.issue(c.password)
	return c, err
}

func (c *client) issue(body string) (string, error) {
	conn, err := dial(c.host)
	if err != nil {
		return "", err
	}
	defer conn.close()
	status, headers, err := conn.do(request(http.MethodPost, c.host, c.base+"/auth/tokens", nil, body))
	if err != nil {
		return "", err
	}
	if status != http.StatusCreated {
		return "", fmt.Errorf("signing in answered %d", status)
	}
	return headers["X-Subject-Token"], nil
}

// cases are what is measured.
func (c *client) cases() ([]kase, error) {
	subject, err := c.issue(c.password)
	if err != nil {
		return nil, err
	}
	tokens := c.base + "/auth/tokens"
	both := map[string]string{"X-Auth-Token": c.token, "X-Subject-Token": subject}
	self := map[string]string{"X-Auth-Token": subject, "X-Subject-Token": subject}
	rescope, err := json.Marshal(map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": subject}}, "scope": "unscoped",
	}})
	if err != nil {
		return nil, err
	}
	get := func(path string, headers map[string]string) []byte {
		return request(http.MethodGet, c.host, path, headers, "")
	}
	return []kase{
		{"validate a project token", get(tokens, both), http.StatusOK},
		{"validate, without catalog", get(tokens+"?nocatalog", both), http.StatusOK},
		{"validate, caller is subject", get(tokens+"?nocatalog", self), http.StatusOK},
		{"validate garbage", get(tokens, map[string]string{"X-Auth-Token": c.token, "X-Subject-Token": "garbage"}), http.StatusNotFound},
		{"issue by token", request(http.MethodPost, c.host, tokens, nil, string(rescope)), http.StatusCreated},
		{"issue by password (argon2id)", request(http.MethodPost, c.host, tokens, nil, c.password), http.StatusCreated},
	}, nil
}
