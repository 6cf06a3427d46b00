package transcripts_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate/functions/routes"
	"mandate/shared/route"
)

// description is docs/openapi.yaml, against which every reply is held.
type description struct {
	routes  *route.Router
	doc     map[string]any
	mu      sync.Mutex // transcripts are replayed side by side
	schemas *jsonschema.Compiler
}

const described = "openapi.yaml"

func readDescription(t *testing.T) *description {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + described)
	require.NoError(t, err)
	d := &description{routes: route.New(routes.Table), schemas: jsonschema.NewCompiler()}
	require.NoError(t, yaml.Unmarshal(text, &d.doc))
	require.NoError(t, d.schemas.AddResource(described, d.doc))
	return d
}

// at follows member names through the description, and references to where they lead.
func (d *description) at(names ...string) (map[string]any, bool) {
	here := d.doc
	for _, name := range names {
		next, ok := here[name].(map[string]any)
		if !ok {
			return nil, false
		}
		if ref, ok := next["$ref"].(string); ok {
			if next, ok = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); !ok {
				return nil, false
			}
		}
		here = next
	}
	return here, true
}

// check holds a reply against what is described: its status, its headers, its media type,
// and the form of its body.
func (d *description) check(q *http.Request, s *http.Response) error {
	r, _, ok := d.routes.Match(q.Method, q.URL.Path)
	if !ok || r.Function == "Console" { // no operation answered, or a page, which is for people
		return nil
	}
	method, status := strings.ToLower(q.Method), strconv.Itoa(s.StatusCode)
	answer, ok := d.at("paths", r.Path, method, "responses", status)
	if !ok {
		return fmt.Errorf("%s does not say that %s answers %s", described, r.Key(), status)
	}
	headers, _ := answer["headers"].(map[string]any)
	for name := range headers {
		if s.Header.Get(name) == "" {
			return fmt.Errorf("%s says that %s answers %s with a header %s", described, r.Key(), status, name)
		}
	}
	body, err := io.ReadAll(s.Body)
	if err != nil {
		return err
	}
	s.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(s.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content, _ := answer["content"].(map[string]any)
	described, ok := content[media].(map[string]any)
	if !ok {
		return fmt.Errorf("%s does not say that %s answers %s with %s", described, r.Key(), status, media)
	}
	if !strings.HasSuffix(media, "json") && !strings.HasSuffix(media, "json-home") {
		return nil
	}
	return d.fits(body, described["schema"].(map[string]any))
}

func (d *description) fits(body []byte, schema map[string]any) error {
	ref, _ := schema["$ref"].(string)
	d.mu.Lock()
	compiled, err := d.schemas.Compile(described + ref)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}
