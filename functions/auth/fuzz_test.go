package auth

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/token"
)

// FuzzAuthBody: whatever is sent to IssueToken is refused with one of the two problems
// that name what is wrong, or understood; and what was understood, written plainly, is
// understood as the same.
func FuzzAuthBody(f *testing.F) {
	for _, body := range []string{
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u","password":"p"}}}}}`,
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ada","domain":{"name":"Default"},"password":"p"}}},"scope":{"project":{"name":"web","domain":{"id":"default"}}}}}`,
		`{"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"domain":{"name":"Research"}}}}`,
		`{"auth":{"identity":{"methods":["token","password"],"token":{"id":"t"},"password":{"user":{"id":"u"}}},"scope":{"system":{"all":true}}}}`,
		`{"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"OS-TRUST:trust":{"id":"x"}}}}`,
		`{"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":"unscoped"}}`,
		`{"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"unscoped":{}}}}`,
		`{"auth":{"identity":{"methods":["totp"],"totp":{}}}}`, `{"auth":{"identity":{"methods":[]}}}`, `{"auth":{"identity":{"methods":["methods"],"methods":1}}}`,
		`{"auth":{"scope":null}}`, `{"auth":[]}`, `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u","id":"v"}}}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var body authBody
		if err := api.Decode(text, &body, ""); err != nil {
			require.True(t, problem.Is(err, problem.KindInvalid), "%v", err)
			return
		}
		l, err := body.login()
		if err != nil {
			require.True(t, problem.Is(err, problem.KindInvalid) || problem.Is(err, problem.KindUnauthorized), "%v", err)
			return
		}
		require.NotEmpty(t, l.Methods)
		for _, method := range l.Methods {
			require.Contains(t, token.Methods(), method)
		}
		var again authBody
		plain, err := json.Marshal(plainly(l))
		require.NoError(t, err)
		require.NoError(t, api.Decode(plain, &again, ""))
		same, err := again.login()
		require.NoError(t, err, "%s", plain)
		require.Equal(t, l, same, "%s", plain)
	})
}

type object = map[string]any

// plainly writes a login as a client would.
func plainly(l token.Login) object {
	named := func(d directory.DomainRef) object {
		o := object{}
		if d.ID != "" {
			o["id"] = d.ID
		}
		if d.Name != "" {
			o["name"] = d.Name
		}
		return o
	}
	identity := object{"methods": l.Methods}
	if slices.Contains(l.Methods, token.MethodPassword) {
		user := object{}
		if l.Password.Name != "" {
			user["name"], user["domain"] = l.Password.Name, named(l.Password.Domain)
		} else {
			user["id"] = l.Password.UserID
		}
		if !l.Password.Password.Empty() {
			user["password"] = l.Password.Password.Reveal()
		}
		identity["password"] = object{"user": user}
	}
	if slices.Contains(l.Methods, token.MethodToken) {
		identity["token"] = object{"id": l.Token.Reveal()}
	}
	auth := object{"identity": identity}
	switch w := l.Scope; w.Kind {
	case token.WantUnscoped:
		auth["scope"] = "unscoped"
	case token.WantProject:
		project := object{"id": w.ID}
		if w.Name != "" {
			project = object{"name": w.Name, "domain": named(w.Domain)}
		}
		auth["scope"] = object{"project": project}
	case token.WantDomain:
		auth["scope"] = object{"domain": named(directory.DomainRef{ID: w.ID, Name: w.Name})}
	case token.WantSystem:
		auth["scope"] = object{"system": object{"all": true}}
	case token.WantTrust:
		auth["scope"] = object{"OS-TRUST:trust": object{"id": w.ID}}
	case token.WantDefault:
	}
	return object{"auth": auth}
}
