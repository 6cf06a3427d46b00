package load

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

// Password of everybody whom the generator makes.
const password = "secret-of-the-load"

// World is what was made on a service: ada, who holds a role on a project; bob and cy, to
// whom she delegates it, four generations deep; a program that acts for the
// administrator by OAuth1.
type World struct {
	*Client
	Ada, Bob, Cy, Project, Role string
	ada, bob                    string // tokens: of ada on the project, of bob unscoped
	Trust                       string // first generation
	trusted, deep               string // tokens of the first and the fourth generation
	program                     program
	signed                      string // token by OAuth1
}

// Build makes the world. Each has names of its own, so that a service may have several.
func (c *Client) Build() (w *World, err error) {
	w = &World{Client: c}
	tag := strings.ToLower(rand.Text()[:8])
	made := func(path, kind string, what object) (id string) {
		if err == nil {
			id, err = c.make(path, kind, c.admin, what)
		}
		return id
	}
	person := func(name string) string {
		return made("/users", "user", object{"name": name + "-" + tag, "domain_id": "default", "password": password})
	}
	w.Project = made("/projects", "project", object{"name": "web-" + tag, "domain_id": "default"})
	w.Role = made("/roles", "role", object{"name": "operator-" + tag})
	w.Ada, w.Bob, w.Cy = person("ada"), person("bob"), person("cy")
	if err != nil {
		return nil, err
	}
	if _, err = c.do(http.MethodPut, "/projects/"+w.Project+"/users/"+w.Ada+"/roles/"+w.Role, c.admin, nil); err != nil {
		return nil, err
	}
	if w.ada, err = c.issue(w.login(w.Ada, w.onProject())); err != nil {
		return nil, err
	}
	if w.bob, err = c.issue(w.login(w.Bob, nil)); err != nil {
		return nil, err
	}
	if err = w.redelegate(); err != nil {
		return nil, err
	}
	if err = w.delegate(); err != nil {
		return nil, err
	}
	w.signed, err = w.program.token()
	return w, err
}

func (w *World) login(user string, scope any) object {
	return byPassword(object{"id": user, "password": password}, scope)
}

func (w *World) onProject() object { return object{"project": object{"id": w.Project}} }
func byTrust(id string) object     { return object{"OS-TRUST:trust": object{"id": id}} }
func (w *World) rolesOf() []object { return []object{{"id": w.Role}} }
func (w *World) grantTo(who string) object {
	return object{
		"trustor_user_id": w.Ada, "trustee_user_id": who, "project_id": w.Project, "impersonation": true,
		"roles": w.rolesOf(),
	}
}

// redelegate hands ada's role on from bob to cy and back.
func (w *World) redelegate() error {
	token, people := w.ada, []string{w.Bob, w.Cy}
	for depth := range 4 {
		to := people[depth%2]
		grant := w.grantTo(to)
		if depth < 3 {
			grant["allow_redelegation"], grant["redelegation_count"] = true, 3-depth
		}
		id, err := w.make("/OS-TRUST/trusts", "trust", token, grant)
		if err != nil {
			return fmt.Errorf("trust of generation %d: %w", depth, err)
		}
		if token, err = w.issue(w.login(to, byTrust(id))); err != nil {
			return fmt.Errorf("token of generation %d: %w", depth, err)
		}
		if depth == 0 {
			w.Trust, w.trusted = id, token
		}
	}
	w.deep = token
	return nil
}

// program is a consumer with an access token.
type program struct {
	*World
	consumer, access string
	secrets          [2]secret.Text // of the consumer, of the token
}

// delegate lets the administrator hand the role to a program: Keystone's own policy lets
// nobody else do so.
func (w *World) delegate() error {
	r, err := w.do(http.MethodGet, "/auth/tokens", w.admin, nil, "X-Subject-Token", w.admin)
	if err != nil {
		return err
	}
	self := struct {
		Token struct {
			User struct {
				ID string `json:"id"`
			} `json:"user"`
		} `json:"token"`
	}{}
	if err := unmarshal(r.body, &self); err != nil {
		return err
	}
	if _, err := w.do(http.MethodPut, "/projects/"+w.Project+"/users/"+self.Token.User.ID+"/roles/"+w.Role, w.admin, nil); err != nil {
		return err
	}
	if r, err = w.do(http.MethodPost, "/OS-OAUTH1/consumers", w.admin, object{"consumer": object{}}); err != nil {
		return err
	}
	p := &w.program
	p.World = w
	if p.consumer, err = idOf(r.body); err != nil {
		return err
	}
	made := struct {
		Consumer struct {
			Secret string `json:"secret"`
		} `json:"consumer"`
	}{}
	if err := unmarshal(r.body, &made); err != nil {
		return err
	}
	p.secrets[0] = secret.New(made.Consumer.Secret)
	if err := p.exchange("/OS-OAUTH1/request_token", oauth1.Pair{Name: "oauth_callback", Value: "oob"}); err != nil {
		return err
	}
	r, err = w.do(http.MethodPut, "/OS-OAUTH1/authorize/"+p.access, w.admin, object{"roles": w.rolesOf()})
	if err != nil {
		return err
	}
	allowed := struct {
		Token struct {
			Verifier string `json:"oauth_verifier"`
		} `json:"token"`
	}{}
	if err := unmarshal(r.body, &allowed); err != nil {
		return err
	}
	return p.exchange("/OS-OAUTH1/access_token", oauth1.Pair{Name: "oauth_verifier", Value: allowed.Token.Verifier})
}

// exchange gets the next token of the dance and its secret.
func (p *program) exchange(path string, more oauth1.Pair) error {
	r, err := p.do(http.MethodPost, path, "", nil, "Authorization", p.sign(path, more), "Requested-Project-Id", p.Project)
	if err != nil {
		return err
	}
	values, err := url.ParseQuery(string(r.body))
	p.access, p.secrets[1] = values.Get("oauth_token"), secret.New(values.Get("oauth_token_secret"))
	return err
}

// sign is the Authorization header of a request, new each time.
func (p *program) sign(path string, more ...oauth1.Pair) string {
	params := append(oauth1.Params{
		{Name: "oauth_nonce", Value: nonce()}, {Name: "oauth_timestamp", Value: fmt.Sprint(time.Now().Unix())},
		{Name: "oauth_signature_method", Value: string(oauth1.HMACSHA1)}, {Name: "oauth_version", Value: "1.0"},
		{Name: "oauth_consumer_key", Value: p.consumer},
	}, more...)
	if p.access != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: p.access})
	}
	base := oauth1.BaseString(http.MethodPost, "http://"+p.host+p.base+path, params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, base, p.secrets[0], p.secrets[1])})
	parts := make([]string, 0, len(params))
	for _, one := range params {
		parts = append(parts, one.Name+`="`+oauth1.Encode(one.Value)+`"`)
	}
	return "OAuth " + strings.Join(parts, ", ")
}

// nonce is new each time, of the letters and the length that Keystone accepts.
func nonce() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// signedIssue is a request for a token by OAuth1, new each time.
func (p *program) signedIssue() ([]byte, error) {
	return p.raw(http.MethodPost, "/auth/tokens", map[string]string{"Authorization": p.sign("/auth/tokens")}, signedBody)
}

var signedBody = authBody(object{"methods": []string{"oauth1"}, "oauth1": object{}}, nil)

func (p *program) token() (string, error) {
	r, err := p.do(http.MethodPost, "/auth/tokens", "", signedBody, "Authorization", p.sign("/auth/tokens"))
	return r.token, err
}
