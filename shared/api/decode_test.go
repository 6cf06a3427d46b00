package api_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/problem"
	"mandate/shared/secret"
)

func TestBody(t *testing.T) {
	b := newBench(t)
	long := func(n int) string {
		return `{"region": {"id": "` + strings.Repeat("x", n-len(`{"region": {"id": ""}}`)) + `"}}`
	}
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		says                    string
	}{
		{"C-030_not_JSON", "application/json", `{"region": `, 400, "the body"},
		{"C-030_text", "application/json", `hello`, 400, "the body"},
		{"C-030_more_after_it", "application/json", `{} {}`, 400, "the body"},
		{"C-030_invalid_UTF-8", "application/json", "{\"region\": {\"id\": \"\xff\"}}", 400, "the body"},
		{"C-030_null_byte", "application/json", "\x00", 400, "the body"},
		{"C-031_array", "application/json", `[]`, 400, "object"},
		{"C-031_string", "application/json", `"x"`, 400, "object"},
		{"C-031_number", "application/json", `3`, 400, "object"},
		{"C-031_null", "application/json", `null`, 400, "object"},
		{"C-031_blank", "application/json", "  \n", 400, "object"},
		{"C-032_no_content_type", "", `{}`, 201, ""},
		{"C-033_vendor_type", "application/vnd.openstack.identity-v3+json", `{}`, 201, ""},
		{"C-033_any_+json", "application/problem+json; charset=utf-8", `{}`, 201, ""},
		{"C-033_letter_case", "Application/JSON;charset=UTF-8", `{}`, 201, ""},
		{"C-033_parameter_without_value", "application/json; charset", `{}`, 201, ""},
		{"C-034_XML", "application/xml", `<a/>`, 415, "application/json"},
		{"C-034_text", "text/plain", `{}`, 415, "application/json"},
		{"C-034_form", "application/x-www-form-urlencoded", `a=b`, 415, "application/json"},
		{"C-034_almost", "application/jsonp", `{}`, 415, "application/json"},
		{"C-034_XML_without_body", "application/xml", ``, 400, "the body"},
		{"C-035_no_body", "application/json", ``, 400, "the body"},
		{"C-036_one_byte_too_long", "application/json", long(api.MaxBodyBytes + 1), 413, "114688"},
		{"C-037_exactly_as_long_as_allowed", "application/json", long(api.MaxBodyBytes), 201, ""},
		{"C-038_unknown_members", "application/json", `{"region": {"id": "eu", "mood": {"deep": [1]}}, "more": 1}`, 201, ""},
		{"wrong type of string", "application/json", `{"region": {"id": 3}}`, 400, "region.id: it must be a string"},
		{"wrong type of boolean", "application/json", `{"region": {"enabled": "true"}}`, 400, "region.enabled: it must be true or false"},
		{"wrong type of integer", "application/json", `{"region": {"size": 7.2}}`, 400, "region.size: it must be an integer"},
		{"integer in a string", "application/json", `{"region": {"size": "3"}}`, 400, "region.size: it must be an integer"},
		{"integer too large", "application/json", `{"region": {"size": 9223372036854775808}}`, 400, "region.size: it must be an integer"},
		{"wrong type of array", "application/json", `{"region": {"tags": {}}}`, 400, "region.tags: it must be an array"},
		{"wrong type of object", "application/json", `{"region": []}`, 400, "region: it must be an object"},
		{"deep inside", "application/json", `{"region": {"tags": [{"name": "a"}, {"name": []}]}}`, 400, "region.tags.1.name: it must be a string"},
		{"a member twice", "application/json", `{"region": {"id": "a", "id": "b"}}`, 400, "region.id: it is there twice"},
		{"another letter case is another member", "application/json", `{"Region": 3}`, 201, ""},
		{"names with / and ~", "application/json", `{"a/~b": {"c": 1, "c": 2}}`, 400, "a/~b.c: it is there twice"},
		{"a very long name", "application/json", `{"` + strings.Repeat("é", 5000) + `": {"c": 1, "c": 2}}`, 400, "é…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, body := range map[string]io.Reader{"known length": strings.NewReader(c.body), "unknown length": io.MultiReader(strings.NewReader(c.body))} {
				r := request("POST", "/v3/regions", adminToken, "")
				r.Body, r.ContentLength = io.NopCloser(body), -1
				if how == "known length" {
					r.ContentLength = int64(len(c.body))
				}
				if c.contentType != "" {
					r.Header.Set("Content-Type", c.contentType)
				}
				answered := b.send(t, create(false), r)
				require.Equal(t, c.status, answered.StatusCode, "%s: %s", how, answered.body)
				if c.status != 201 {
					message, _ := answered.member(t, "error", "message").(string)
					assert.Contains(t, message, c.says, how)
					assert.Less(t, len(message), 300)
				}
			}
		})
	}
	t.Run("C-036_before_the_caller_and_where_no_body_is_read", func(t *testing.T) {
		assert.Equal(t, 413, b.send(t, create(false), request("POST", "/v3/regions", "", long(api.MaxBodyBytes+1))).StatusCode)
		assert.Equal(t, 413, b.send(t, show(), request("DELETE", "/v3/users/ada", "", long(api.MaxBodyBytes+1))).StatusCode)
	})
	t.Run("C-034_after_the_caller", func(t *testing.T) {
		r := request("POST", "/v3/regions", "", "<a/>")
		r.Header.Set("Content-Type", "application/xml")
		assert.Equal(t, 401, b.send(t, create(false), r).StatusCode)
	})
	t.Run("cut off on the way", func(t *testing.T) {
		r := request("POST", "/v3/regions", adminToken, "{}")
		r.ContentLength = 20
		assert.Equal(t, 400, b.send(t, create(false), r).StatusCode)
	})
	t.Run("no body at all", func(t *testing.T) {
		r := request("POST", "/v3/regions", adminToken, "")
		r.Body = nil
		assert.Equal(t, 400, b.send(t, create(false), r).StatusCode)
	})
}

type everywhere struct {
	api.Paging
	ID      string      `path:"id"`
	Name    *string     `query:"name"`
	Empty   *string     `query:"empty"`
	Absent  *string     `query:"absent"`
	Subject secret.Text `header:"X-Subject-Token"`
}

func TestDecode(t *testing.T) {
	b := newBench(t)
	var got everywhere
	o := api.Op(api.Spec[everywhere]{Name: "X", Open: true}, func(_ context.Context, _ *api.Call, in everywhere) (api.NoBody, error) {
		got = in
		return api.NoBody{}, nil
	})
	r := with(request("GET", "/v3/things/a%2Fb?name=x&name=y&empty&limit=5&more=1&bad=%zz", "", ""), "id", "a/b")
	r.Header.Set("X-Subject-Token", "gAAAA")
	require.Equal(t, 200, b.send(t, o, r).StatusCode)
	assert.Equal(t, "a/b", got.ID)
	assert.Equal(t, "x", *got.Name, "the first of several")
	assert.Equal(t, "", *got.Empty)
	assert.Nil(t, got.Absent)
	assert.Equal(t, "5", *got.Limit, "embedded structs are filled")
	assert.Equal(t, "gAAAA", got.Subject.Reveal())

	t.Run("an operation that cannot be filled is not made", func(t *testing.T) {
		assert.Panics(t, func() {
			newOp[struct {
				N int `path:"n"`
			}]()
		})
		assert.Panics(t, func() {
			newOp[struct {
				N string `query:"n"`
			}]()
		})
		assert.Panics(t, func() {
			newOp[struct {
				N string `header:"n"`
			}]()
		})
		assert.Panics(t, func() { newOp[int]() })
	})
}

func newOp[In any]() {
	api.Op(api.Spec[In]{Name: "X", Open: true}, func(context.Context, *api.Call, In) (api.NoBody, error) { return api.NoBody{}, nil })
}

func TestDecodePart(t *testing.T) {
	var in struct {
		User struct {
			Name string `json:"name"`
		} `json:"user"`
	}
	err := api.Decode([]byte(`{"user": {"name": 3}}`), &in, "auth.identity.password")
	assert.ErrorContains(t, err, "auth.identity.password.user.name: it must be a string")
	err = api.Decode([]byte(`"hush"`), &in, "auth.identity.password")
	assert.ErrorContains(t, err, "auth.identity.password: it must be an object")
	assert.True(t, problem.Is(err, problem.KindInvalid))
	assert.NoError(t, api.Decode([]byte(`{"user": {"name": "x"}}`), &in, "auth"))
}

// FuzzDecode: whatever is sent, an operation answers, and refuses only with a problem of
// the three kinds that a body can have, which names something.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{``, `{}`, `[]`, `{"region": {"id": "eu", "tags": [{"name": "x"}]}}`, `{"region": {"size": 1e400}}`,
		`{"region": {"id": "a", "id": "b"}}`, "{\"\xff\": 1}", `{"region": {"tags": [{"name": null}, 3]}}`, `{"` + strings.Repeat("a", 300) + `": {"b":1,"b":1}}`,
		strings.Repeat(`{"region":`, 50)} {
		f.Add("application/json", body, "name=%zz&limit=-1")
		f.Add("text/plain; x", body, "limit=1&limit=2;marker=3")
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, contentType, body, query string) {
		b.log.Reset()
		var got error
		reached := false
		type in struct {
			createRegion
			api.Paging
		}
		o := api.Op(api.Spec[in]{Name: "X", Action: "identity:list_regions"}, func(_ context.Context, c *api.Call, _ in) (api.NoBody, error) {
			reached = true
			got = c.Authorize(anything)
			return api.NoBody{}, got
		})
		r := request("POST", "/v3/regions", memberToken, body)
		r.Header["Content-Type"] = []string{contentType}
		r.URL.RawQuery = query
		answered := b.send(t, o, r)
		if !reached {
			require.Equal(t, 413, answered.StatusCode)
			return
		}
		if got == nil {
			require.Equal(t, 200, answered.StatusCode)
			return
		}
		p, ok := problem.As(got)
		require.True(t, ok, "%v", got)
		require.Contains(t, []problem.Kind{problem.KindInvalid, problem.KindUnsupportedMedia}, p.Kind)
		require.Less(t, len(p.Message), 400)
		if p.Kind == problem.KindInvalid {
			require.Regexp(t, `(?s)^Invalid input for .+: it .+\.$`, p.Message)
		}
		require.NotEqual(t, 500, answered.StatusCode)
		answered.member(t, "error", "message") // is JSON whatever was repeated
	})
}
