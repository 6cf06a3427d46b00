package bulk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"
)

// pageSize is how many members a page is asked for. A Keystone that does not page gives all.
const pageSize = "500"

// A member of a collection of the API, kept as they came but for those that say nothing.
type member map[string]json.RawMessage

func (m member) text(name string) string {
	var s string
	if err := json.Unmarshal(m[name], &s); err != nil {
		return "" // absent, null or no text
	}
	return s
}

// Export writes the directory of a running Keystone or Mandate, read through its API, as
// lines that Import takes. Passwords are not in it: the API gives none. Projects are kept
// in memory, because parents come before children; all else is passed on as it comes.
// What changes meanwhile may be in it or not.
func Export(ctx context.Context, c Cloud, client *http.Client, w io.Writer, progress func(lines int64)) error {
	s, err := signIn(ctx, c, client)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	e := &export{session: s, out: out, progress: progress}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"domains", e.domains}, {"roles", e.roles}, {"implications", e.implications}, {"projects", e.projects},
		{"groups", e.groups}, {"users", e.users}, {"memberships", e.memberships}, {"assignments", e.assignments},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("export %s: %w", step.what, err)
		}
	}
	return out.Flush()
}

type export struct {
	*session
	out       io.Writer
	progress  func(int64)
	lines     int64
	domainIDs []string
	groupIDs  []string
}

// write writes a line with one member.
func (e *export) write(k kind, v any) error {
	b, err := json.Marshal(map[kind]any{k: v})
	if err != nil {
		return err
	}
	if _, err := e.out.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	if e.lines++; e.progress != nil {
		e.progress(e.lines)
	}
	return nil
}

// thing writes a member of a collection without what is only for showing, and without
// attributes that are null: absent says the same.
func (e *export) thing(k kind, m member) error {
	for _, name := range shown {
		delete(m, name)
	}
	for name, v := range m {
		if jsontext.Value(v).Kind() == 'n' || name == "options" && string(v) == "{}" || name == "tags" && string(v) == "[]" {
			delete(m, name)
		}
	}
	return e.write(k, m)
}

func paged(pairs ...string) url.Values {
	q := url.Values{"limit": {pageSize}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (e *export) domains(ctx context.Context) error {
	return each(ctx, e.session, "/domains", paged(), "domains", func(m member) error {
		e.domainIDs = append(e.domainIDs, m.text("id"))
		return e.thing(kindDomain, m)
	})
}

// roles lists the global roles, and those of each domain, which only show when asked for.
func (e *export) roles(ctx context.Context) error {
	write := func(m member) error { return e.thing(kindRole, m) }
	if err := each(ctx, e.session, "/roles", paged(), "roles", write); err != nil {
		return err
	}
	for _, id := range e.domainIDs {
		if err := each(ctx, e.session, "/roles", paged("domain_id", id), "roles", write); err != nil {
			return err
		}
	}
	return nil
}

func (e *export) implications(ctx context.Context) error {
	type ref struct {
		ID string `json:"id"`
	}
	type inference struct {
		Prior   ref   `json:"prior_role"`
		Implies []ref `json:"implies"`
	}
	return each(ctx, e.session, "/role_inferences", nil, "role_inferences", func(i inference) error {
		for _, to := range i.Implies {
			if err := e.write(kindImplication, implication{PriorRoleID: i.Prior.ID, ImpliedRoleID: to.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *export) projects(ctx context.Context) error {
	below := map[string][]member{}
	err := each(ctx, e.session, "/projects", paged(), "projects", func(m member) error {
		parent := m.text("parent_id")
		if parent == m.text("domain_id") {
			parent = ""
		}
		below[parent] = append(below[parent], m)
		return nil
	})
	if err != nil {
		return err
	}
	for level := below[""]; len(level) > 0; {
		var next []member
		for _, m := range level {
			next = append(next, below[m.text("id")]...)
			if err := e.thing(kindProject, m); err != nil {
				return err
			}
		}
		level = next
	}
	return nil
}

func (e *export) groups(ctx context.Context) error {
	return each(ctx, e.session, "/groups", paged(), "groups", func(m member) error {
		e.groupIDs = append(e.groupIDs, m.text("id"))
		return e.thing(kindGroup, m)
	})
}

func (e *export) users(ctx context.Context) error {
	return each(ctx, e.session, "/users", paged(), "users", func(m member) error { return e.thing(kindUser, m) })
}

func (e *export) memberships(ctx context.Context) error {
	for _, g := range e.groupIDs {
		err := each(ctx, e.session, "/groups/"+url.PathEscape(g)+"/users", paged(), "users", func(m member) error {
			return e.write(kindMembership, membership{GroupID: g, UserID: m.text("id")})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *export) assignments(ctx context.Context) error {
	type ref struct {
		ID string `json:"id"`
	}
	type entry struct {
		Role  ref `json:"role"`
		User  ref `json:"user"`
		Group ref `json:"group"`
		Scope struct {
			Project   ref            `json:"project"`
			Domain    ref            `json:"domain"`
			System    map[string]any `json:"system"`
			Inherited string         `json:"OS-INHERIT:inherited_to"`
		} `json:"scope"`
	}
	return each(ctx, e.session, "/role_assignments", nil, "role_assignments", func(a entry) error {
		return e.write(kindAssignment, assignment{
			RoleID: a.Role.ID, UserID: a.User.ID, GroupID: a.Group.ID, ProjectID: a.Scope.Project.ID, DomainID: a.Scope.Domain.ID,
			System: len(a.Scope.System) > 0, Inherited: a.Scope.Inherited == "projects",
		})
	})
}
