package oauth1_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/test/service"
)

// TestNoSecretInClear looks through every item that the table ever held and every line of the
// log after every kind of secret was made, used, changed and refused: passwords, tokens of
// each method, trusts, arranged tokens, credentials, and an OAuth1 delegation from end to end.
func TestNoSecretInClear(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, service.WithLog(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		service.WithVariable("OAUTH1_ALLOW_PLAINTEXT", "true"))
	request := w.requestToken()
	verifier := w.verifier(request.id, w.operator)
	access := w.form(w.send(w.exchanging(request, verifier)))
	token := w.token(access)
	for _, s := range []signed{w.exchanging(request, verifier), w.issuing(access), w.asking()} {
		s.with = oauth1.Plaintext
		w.send(s)
		s.at = w.clock.Now().Add(-1000e9)
		w.send(s)
	}
	people := w.passwordsAndTokens()
	w.Must(204, "DELETE", consumers+"/"+w.consumer.id, w.Admin(), nil)
	w.send(w.issuing(access))
	w.Drain()

	var table bytes.Buffer
	changes, after := 0, ""
	for {
		page, err := w.Engine.(store.Log).Changes(t.Context(), after, 100)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			changes++
			after = c.Position
			for _, i := range []store.Item{c.Old, c.New} {
				for name, v := range i {
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					fmt.Fprintf(&table, "%s %s=%v\n", c.Key, name, v)
				}
			}
		}
	}
	require.Greater(t, changes, 40)
	require.Contains(t, table.String(), access.id)
	require.Contains(t, log.String(), "CreateAccessToken")
	maps.Copy(people, map[string]string{
		"consumer secret": w.consumer.secret.Reveal(), "request token secret": request.secret.Reveal(),
		"access token secret": access.secret.Reveal(), "verifier": verifier, "token": token,
	})
	for name, text := range people {
		require.NotEmpty(t, text, name)
		for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text))} {
			assert.NotContains(t, table.String(), form, "%s in the table", name)
			assert.NotContains(t, log.String(), form, "%s in the log", name)
		}
	}
}

// passwordsAndTokens lets people use every secret that is not of OAuth1, rightly and wrongly,
// and returns those secrets by what they are.
func (w *world) passwordsAndTokens() map[string]string {
	w.t.Helper()
	const (
		first, second, guess = "first-password-of-eve", "second-password-of-eve", "a-guess-at-a-password"
		blob, other          = "blob-of-a-credential", "another-blob-of-it"
	)
	eve := w.ID("users", "user", object{"name": "eve", "password": "given-by-the-admin"})
	w.grant("PUT", eve, w.web, w.operator)
	w.Must(200, "PATCH", "/v3/users/"+eve, w.Admin(), object{"user": object{"password": first}})
	w.Must(204, "POST", "/v3/users/"+eve+"/password", "", object{"user": object{"original_password": first, "password": second}})
	for _, wrong := range []string{guess, first} {
		w.Must(401, "POST", "/v3/auth/tokens", "", service.PasswordAuth("eve", wrong, nil))
		w.Must(401, "POST", "/v3/users/"+eve+"/password", "", object{"user": object{"original_password": wrong, "password": guess}})
	}
	mine := w.Login("eve", second, service.OnProject(w.web))
	again := w.Must(201, "POST", "/v3/auth/tokens", "", service.TokenAuth(mine, service.OnProject(w.web))).Header.Get("X-Subject-Token")
	trust := w.Must(201, "POST", "/v3/OS-TRUST/trusts", mine, object{"trust": object{
		"trustor_user_id": eve, "trustee_user_id": w.bob, "project_id": w.web, "impersonation": true, "roles": []any{object{"id": w.operator}},
	}}).Member("trust")["id"].(string)
	byTrust := w.Login("bob", "pw-bob", service.ByTrust(trust))
	w.Must(201, "POST", "/v3/users/"+eve+"/preauthentications", mine, object{"preauthentication": object{
		"trustee_user_id": w.bob, "project_id": w.web, "impersonation": true, "roles": []any{object{"id": w.operator}},
	}})
	arranged := w.Must(201, "POST", "/v3/tokens/trusts/"+eve, w.Login("bob", "pw-bob", nil), nil).Header.Get("X-Subject-Token")
	old := w.Must(200, "POST", "/v2.0/tokens", "", object{"auth": object{"passwordCredentials": object{"username": "eve", "password": second}}}).
		Member("access")["token"].(object)["id"].(string)
	kept := "/v3/credentials/" + w.Must(201, "POST", "/v3/credentials", mine, object{"credential": object{
		"type": "cert", "blob": blob, "user_id": eve}}).Member("credential")["id"].(string)
	w.Must(200, "PATCH", kept, mine, object{"credential": object{"blob": other}})
	for _, token := range []string{again, byTrust, arranged} {
		w.Must(200, "GET", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", token)
		w.Must(204, "DELETE", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", token)
		w.Must(401, "GET", "/v3/auth/catalog", token, nil)
	}
	w.Do("GET", "/v3/users/"+mine, mine, nil)
	return map[string]string{
		"password from the admin": "given-by-the-admin", "first password": first, "password": second, "wrong password": guess,
		"password of the first start": service.AdminPassword,
		"blob":                        blob, "second blob": other,
		"login": mine, "token by token": again, "token by trust": byTrust, "arranged token": arranged, "token of v2.0": old, "token of the admin": w.Admin(),
	}
}
