package bulk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"mandate/shared/secret"
)

// A Cloud is where a directory is read from, and as whom. The words are those of
// clouds.yaml.
type Cloud struct {
	AuthURL     string // with or without /v3
	Username    string
	UserID      string
	Password    secret.Text
	UserDomain  named
	ProjectName string
	ProjectID   string
	Domain      named // of the project
	SystemScope string
}

type named struct{ ID, Name string }

// FindCloud reads an openrc file, or when there is no file of that name, the cloud of that
// name in clouds.yaml (OS_CLIENT_CONFIG_FILE, ., ~/.config/openstack, /etc/openstack).
// A password that is not there is taken from OS_PASSWORD.
func FindCloud(from string, getenv func(string) string) (Cloud, error) {
	values, err := openrc(from)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsRune(from, filepath.Separator) {
		values, err = fromCloudsYAML(from, getenv)
	}
	if err != nil {
		return Cloud{}, err
	}
	get := func(name string) string { return values[name] }
	c := Cloud{
		AuthURL: get("auth_url"), Username: get("username"), UserID: get("user_id"), Password: secret.New(get("password")),
		UserDomain:  named{get("user_domain_id"), get("user_domain_name")},
		ProjectName: get("project_name"), ProjectID: get("project_id"),
		Domain:      named{get("project_domain_id"), get("project_domain_name")},
		SystemScope: get("system_scope"),
	}
	if c.Password.Empty() {
		c.Password = secret.New(getenv("OS_PASSWORD"))
	}
	switch {
	case c.AuthURL == "":
		return Cloud{}, fmt.Errorf("%s names no auth_url", from)
	case c.Username == "" && c.UserID == "":
		return Cloud{}, fmt.Errorf("%s names no user", from)
	case c.Password.Empty():
		return Cloud{}, fmt.Errorf("%s has no password; set OS_PASSWORD", from)
	}
	return c, nil
}

// openrc reads the assignments of a file that a shell would source: OS_USERNAME becomes
// username. What a shell would work out (`read`, "$(…)") is left out.
func openrc(path string) (map[string]string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // G304: the operator names it
	if err != nil {
		return nil, fmt.Errorf("read openrc: %w", err)
	}
	values := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s.Text()), "export "), "=")
		name, found := strings.CutPrefix(strings.TrimSpace(name), "OS_")
		if value, ok2 := unquote(value); ok && ok2 && found {
			values[strings.ToLower(name)] = value
		}
	}
	return values, nil
}

// unquote reads a shell word; false when a shell would put something else in its place.
func unquote(word string) (string, bool) {
	var b strings.Builder
	quote := rune(0)
	escaped := false
	for _, r := range word {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case quote == '\'' && r != '\'':
			b.WriteRune(r)
		case r == '\\':
			escaped = true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == '$' || r == '`':
			return "", false
		case quote == 0 && (r == ' ' || r == '\t' || r == '#'):
			return b.String(), true
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), quote == 0
}

func fromCloudsYAML(name string, getenv func(string) string) (map[string]string, error) {
	home, _ := os.UserHomeDir() // without one there is a place less to look
	for _, path := range []string{
		getenv("OS_CLIENT_CONFIG_FILE"), "clouds.yaml", filepath.Join(home, ".config/openstack/clouds.yaml"), "/etc/openstack/clouds.yaml",
	} {
		text, err := os.ReadFile(path) //nolint:gosec // G304: where every OpenStack client looks
		if err != nil {
			continue
		}
		var file struct {
			Clouds map[string]struct {
				Auth map[string]string `yaml:"auth"`
			} `yaml:"clouds"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if cloud, ok := file.Clouds[name]; ok {
			return cloud.Auth, nil
		}
	}
	return nil, fmt.Errorf("there is neither an openrc file nor a cloud of clouds.yaml named %s", name)
}

// Answer is a status of the cloud other than the one hoped for.
type Answer struct{ Code int }

// Error says it as HTTP does.
func (a Answer) Error() string { return fmt.Sprintf("%d %s", a.Code, http.StatusText(a.Code)) }

// A session is a signed-in client.
type session struct {
	base  string // ends in /v3
	token string
	cloud Cloud
	http  *http.Client
}

func signIn(ctx context.Context, c Cloud, client *http.Client) (*session, error) {
	base := strings.TrimSuffix(c.AuthURL, "/")
	if !strings.HasSuffix(base, "/v3") {
		base += "/v3"
	}
	s := &session{base: base, cloud: c, http: client}
	return s, s.renew(ctx)
}

func (n named) body() map[string]any {
	switch {
	case n.ID != "":
		return map[string]any{"id": n.ID}
	case n.Name != "":
		return map[string]any{"name": n.Name}
	}
	return map[string]any{"id": "default"}
}

// renew gets a token by the password.
func (s *session) renew(ctx context.Context) error {
	c := s.cloud
	user := map[string]any{"password": c.Password.Reveal()}
	if c.UserID != "" {
		user["id"] = c.UserID
	} else {
		user["name"], user["domain"] = c.Username, c.UserDomain.body()
	}
	auth := map[string]any{"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}}}
	switch {
	case c.SystemScope != "":
		auth["scope"] = map[string]any{"system": map[string]any{"all": true}}
	case c.ProjectID != "":
		auth["scope"] = map[string]any{"project": map[string]any{"id": c.ProjectID}}
	case c.ProjectName != "":
		auth["scope"] = map[string]any{"project": map[string]any{"name": c.ProjectName, "domain": c.Domain.body()}}
	}
	body, err := json.Marshal(map[string]any{"auth": auth})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := s.http.Do(r)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusCreated {
		return fmt.Errorf("sign in at %s: %w", s.base, Answer{reply.StatusCode})
	}
	s.token = reply.Header.Get("X-Subject-Token")
	return nil
}

// open sends a GET; a token that has ended meanwhile is renewed once.
func (s *session) open(ctx context.Context, address string) (io.ReadCloser, error) {
	for again := false; ; again = true {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Auth-Token", s.token)
		reply, err := s.http.Do(r)
		if err != nil {
			return nil, err
		}
		if reply.StatusCode == http.StatusOK {
			return reply.Body, nil
		}
		if err := reply.Body.Close(); err != nil {
			return nil, err
		}
		if reply.StatusCode != http.StatusUnauthorized || again {
			return nil, fmt.Errorf("GET %s: %w", address, Answer{reply.StatusCode})
		}
		if err := s.renew(ctx); err != nil {
			return nil, err
		}
	}
}

// each calls a function for every member of a collection, page after page. It decodes one
// member at a time, so that a page of any size takes little memory.
func each[T any](ctx context.Context, s *session, path string, query url.Values, plural string, do func(T) error) error {
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	for seen := map[string]bool{}; address != "" && !seen[address]; {
		seen[address] = true
		next, err := page(ctx, s, address, plural, do)
		if err != nil {
			return fmt.Errorf("list %s: %w", plural, err)
		}
		if address, err = s.follow(next); err != nil {
			return err
		}
	}
	return nil
}

// follow is the address of a next page. It stays with the server that was asked for, lest
// the token go elsewhere: behind a proxy, a link may name another.
func (s *session) follow(next string) (string, error) {
	if next == "" {
		return "", nil
	}
	to, err := url.Parse(next)
	if err != nil {
		return "", fmt.Errorf("next page: %w", err)
	}
	base, err := url.Parse(s.base)
	if err != nil {
		return "", err
	}
	_, path, ok := strings.Cut(to.Path, "/v3/")
	if !ok {
		return "", fmt.Errorf("next page at %s is not of /v3", next)
	}
	return (&url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path + "/" + path, RawQuery: to.RawQuery}).String(), nil
}

func page[T any](ctx context.Context, s *session, address, plural string, do func(T) error) (next string, err error) {
	body, err := s.open(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	d := json.NewDecoder(bufio.NewReaderSize(body, 1<<16))
	if err := expect(d, json.Delim('{')); err != nil {
		return "", err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return "", err
		}
		switch name {
		case plural:
			if err := expect(d, json.Delim('[')); err != nil {
				return "", err
			}
			for d.More() {
				var member T
				if err := d.Decode(&member); err != nil {
					return "", err
				}
				if err := do(member); err != nil {
					return "", err
				}
			}
			if err := expect(d, json.Delim(']')); err != nil {
				return "", err
			}
		case "links":
			var links struct {
				Next *string `json:"next"`
			}
			if err := d.Decode(&links); err != nil {
				return "", err
			}
			if links.Next != nil {
				next = *links.Next
			}
		default:
			var other json.RawMessage
			if err := d.Decode(&other); err != nil {
				return "", err
			}
		}
	}
	return next, nil
}

func expect(d *json.Decoder, want json.Delim) error {
	switch got, err := d.Token(); {
	case err != nil:
		return err
	case got != want:
		return fmt.Errorf("the answer has %v where %v should be", got, want)
	}
	return nil
}
