package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"mandate/shared/route"
	"mandate/test/transcripts"
)

// shown is what transcripts show of one route.
type shown struct {
	requests []exchange         // that succeed, with a body
	replies  map[int][]exchange // by status
}

type exchange struct {
	heading string
	body    any // JSON, or text; nil for none
}

// readExamples collects the exchanges of all transcripts by the key of their route
// (GET /v3/users/{user_id}).
func readExamples(root string, routes []route.Route) (map[string]shown, error) {
	files, err := transcripts.Find(filepath.Join(root, "test", "transcripts"))
	if err != nil {
		return nil, err
	}
	router, all := route.New(routes), map[string]shown{}
	for _, path := range files {
		f, err := transcripts.Read(path)
		if err != nil {
			return nil, err
		}
		for _, e := range f.Exchanges {
			where, _, _ := strings.Cut(e.Path, "?")
			r, _, ok := router.Match(e.Method, where)
			if !ok {
				continue // answered by no operation
			}
			s := all[r.Key()]
			if s.replies == nil {
				s.replies = map[int][]exchange{}
			}
			if e.Body != "" && e.Reply.Status < 400 {
				s.requests = append(s.requests, exchange{heading(e), content(e.Body)})
			}
			s.replies[e.Reply.Status] = append(s.replies[e.Reply.Status], exchange{heading(e), content(e.Reply.Body)})
			all[r.Key()] = s
		}
	}
	return all, nil
}

var rows = regexp.MustCompile(`^([A-Z]+[0-9]?-[0-9]{3}[a-z]? ?)+`)

// heading is what an exchange shows, without the rows of the contract that it is for.
func heading(e transcripts.Exchange) string { return rows.ReplaceAllString(e.Heading, "") }

// content is a body with its placeholders filled; text that is no JSON stays text. It is
// nil when the transcript leaves something out, for then it is no example.
func content(body string) any {
	if body == "" || strings.Contains(body, `"..."`) || strings.Contains(body, `"<any>"`) {
		return nil
	}
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return fill(body)
	}
	return filled(v)
}

// filled is a JSON value with its placeholders filled.
func filled(v any) any {
	switch v := v.(type) {
	case string:
		return fill(v)
	case []any:
		for n, e := range v {
			v[n] = filled(e)
		}
	case map[string]any:
		for name, e := range v {
			v[name] = filled(e)
		}
	}
	return v
}

var placeholder = regexp.MustCompile(`-?<([a-z][a-z0-9_]*)>`)

// fill puts something that looks right in the place of each placeholder, always the same.
func fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := strings.Trim(p, "-<>")
		sum := sha256.Sum256([]byte(name))
		value := name
		switch {
		case name == "run": // keeps the names of one replay apart
			return ""
		case name == "base":
			value = "https://id.example"
		case strings.HasSuffix(name, "_id"):
			value = hex.EncodeToString(sum[:16])
		case strings.HasSuffix(name, "_at"):
			value = "2031-03-01T09:00:00.000000Z"
		case strings.HasPrefix(name, "audit"):
			value = base64.RawURLEncoding.EncodeToString(sum[:16])
		}
		return p[:strings.Index(p, "<")] + value
	})
}

// examples are at most so many exchanges as examples, named by their headings.
func examples(of []exchange, most int) (ordered[example], error) {
	out := ordered[example]{}
	for _, e := range of {
		if e.body == nil || len(out) == most {
			continue
		}
		var x example
		if err := x.Value.Encode(e.body); err != nil {
			return nil, fmt.Errorf("example %s: %w", e.heading, err)
		}
		out[e.heading] = x
	}
	return out, nil
}
