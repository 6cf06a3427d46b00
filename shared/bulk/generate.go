package bulk

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// Generate writes a directory of a chosen size, always the same: a domain, two roles,
// projects, users, and for each user a number of assignments, at most one on each project.
// It is for measuring how a service grows.
func Generate(w io.Writer, users, projects, each int) error {
	out := bufio.NewWriterSize(w, 1<<16)
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(out, format+"\n", a...) } // Flush says what went wrong
	line(`{"domain":{"id":"default","name":"Default","description":"The default domain"}}`)
	line(`{"role":{"id":"%s","name":"reader","options":{"immutable":true}}}`, GeneratedID("role", 0))
	line(`{"role":{"id":"%s","name":"member","options":{"immutable":true}}}`, GeneratedID("role", 1))
	line(`{"implication":{"prior_role_id":"%s","implied_role_id":"%s"}}`, GeneratedID("role", 1), GeneratedID("role", 0))
	for p := range projects {
		line(`{"project":{"id":"%s","name":"project-%06d","domain_id":"default"}}`, GeneratedID("project", p), p)
	}
	for u := range users {
		line(`{"user":{"id":"%s","name":"user-%07d","domain_id":"default","email":"user-%07d@example.org"}}`, GeneratedID("user", u), u, u)
	}
	for u := range users {
		for a := range each {
			line(`{"assignment":{"role_id":"%s","user_id":"%s","project_id":"%s"}}`,
				GeneratedID("role", a%2), GeneratedID("user", u), GeneratedID("project", (u+a*7)%projects))
		}
	}
	return out.Flush()
}

// GeneratedID is the id that Generate gives to the nth of a kind. Ids are spread over the
// table as random ones are.
func GeneratedID(kind string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, n))
	return hex.EncodeToString(sum[:16])
}
