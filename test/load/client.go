package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Client knows where a service is and who administers it.
type Client struct {
	host, base string // 127.0.0.1:5000, /v3
	processes  Processes
	admin      string // project-scoped
	signIn     map[string]any
	http       http.Client
}

type object = map[string]any

// SignIn begins with the OS_* variables of an openrc.
func SignIn(env func(string) string, processes Processes) (*Client, error) {
	u, err := url.Parse(env("OS_AUTH_URL"))
	if err != nil || u.Host == "" {
		return nil, errors.New("OS_AUTH_URL is not set: source the openrc that make run wrote")
	}
	c := &Client{
		host: u.Host, base: strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v3") + "/v3",
		processes: processes, http: http.Client{Timeout: time.Minute},
	}
	c.signIn = byPassword(
		object{"name": env("OS_USERNAME"), "domain": object{"name": env("OS_USER_DOMAIN_NAME")}, "password": env("OS_PASSWORD")},
		object{"project": object{"name": env("OS_PROJECT_NAME"), "domain": object{"name": env("OS_PROJECT_DOMAIN_NAME")}}})
	c.admin, err = c.issue(c.signIn)
	return c, err
}

func byPassword(user object, scope any) object {
	return authBody(object{"methods": []string{"password"}, "password": object{"user": user}}, scope)
}

func byToken(token string, scope any) object {
	return authBody(object{"methods": []string{"token"}, "token": object{"id": token}}, scope)
}

func authBody(identity object, scope any) object {
	auth := object{"identity": identity}
	if scope != nil {
		auth["scope"] = scope
	}
	return object{"auth": auth}
}

func (c *Client) issue(body object) (string, error) {
	r, err := c.do(http.MethodPost, "/auth/tokens", "", body)
	return r.token, err
}

// do sends a request of the preparations, where any answer but a success is an error.
func (c *Client) do(method, path, token string, body any, headers ...string) (reply, error) {
	text := []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	r, err := http.NewRequest(method, "http://"+c.host+c.base+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return reply{}, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return reply{}, fmt.Errorf("%s %s answered %d %s", method, path, answer.StatusCode, got)
	}
	return reply{answer.StatusCode, answer.Header.Get("X-Subject-Token"), got}, nil
}

// make creates something and returns its id.
func (c *Client) make(path, kind, token string, what object) (string, error) {
	r, err := c.do(http.MethodPost, path, token, object{kind: what})
	if err != nil {
		return "", err
	}
	return idOf(r.body)
}

// idOf is the id of the one thing that a body shows.
func idOf(body []byte) (string, error) {
	var shown map[string]struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &shown); err != nil {
		return "", err
	}
	for _, one := range shown {
		if one.ID != "" {
			return one.ID, nil
		}
	}
	return "", errors.New("nothing with an id was answered")
}

// raw renders a request to be sent many times.
func (c *Client) raw(method, path string, headers map[string]string, body any) ([]byte, error) {
	text := []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return request(method, c.host, c.base+path, headers, string(text)), nil
}
