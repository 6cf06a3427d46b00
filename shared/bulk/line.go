package bulk

import (
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// kind is what a line is about: its one member.
type kind string

// Kinds of lines, in the order in which a file has them: each may name what came before.
const (
	kindDomain      kind = "domain"
	kindRole        kind = "role"
	kindImplication kind = "implication"
	kindProject     kind = "project"
	kindGroup       kind = "group"
	kindUser        kind = "user"
	kindMembership  kind = "membership"
	kindAssignment  kind = "assignment"
)

// alone says which lines are imported one chunk after the other: they are few, and build
// on lines of their own kind or move the head of the directory.
func (k kind) alone() bool {
	switch k {
	case kindGroup, kindUser, kindMembership, kindAssignment:
		return false
	default:
		return true
	}
}

// line is one line of a file: one of its members is set.
type line struct {
	Domain      *domain      `json:"domain,omitempty"`
	Role        *role        `json:"role,omitempty"`
	Implication *implication `json:"implication,omitempty"`
	Project     *project     `json:"project,omitempty"`
	Group       *group       `json:"group,omitempty"`
	User        *user        `json:"user,omitempty"`
	Membership  *membership  `json:"membership,omitempty"`
	Assignment  *assignment  `json:"assignment,omitempty"`
}

type attributes = map[string]jsontext.Value

type domain struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Enabled     *bool           `json:"enabled,omitempty"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Options     directory.Extra `json:"options,omitempty"`
	Extra       attributes      `json:",embed"`
}

type role struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DomainID    string          `json:"domain_id,omitempty"`
	Description *string         `json:"description,omitempty"`
	Options     directory.Extra `json:"options,omitempty"`
	Extra       attributes      `json:",embed"`
}

type implication struct {
	PriorRoleID   string `json:"prior_role_id"`
	ImpliedRoleID string `json:"implied_role_id"`
}

type project struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DomainID    string          `json:"domain_id,omitempty"`
	ParentID    string          `json:"parent_id,omitempty"`
	IsDomain    bool            `json:"is_domain,omitzero"`
	Enabled     *bool           `json:"enabled,omitempty"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Options     directory.Extra `json:"options,omitempty"`
	Extra       attributes      `json:",embed"`
}

type group struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	DomainID    string     `json:"domain_id,omitempty"`
	Description string     `json:"description,omitempty"`
	Extra       attributes `json:",embed"`
}

type user struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	DomainID         string          `json:"domain_id,omitempty"`
	Enabled          *bool           `json:"enabled,omitempty"`
	Description      *string         `json:"description,omitempty"`
	DefaultProjectID string          `json:"default_project_id,omitempty"`
	Options          directory.Extra `json:"options,omitempty"`
	PasswordHash     string          `json:"password_hash,omitempty"`
	Extra            attributes      `json:",embed"`
}

type membership struct {
	GroupID string `json:"group_id"`
	UserID  string `json:"user_id"`
}

type assignment struct {
	RoleID    string `json:"role_id"`
	UserID    string `json:"user_id,omitempty"`
	GroupID   string `json:"group_id,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	DomainID  string `json:"domain_id,omitempty"`
	System    bool   `json:"system,omitzero"`
	Inherited bool   `json:"inherited,omitzero"`
}

// parse reads a line. A problem names what is wrong with it; none of its text is repeated,
// because it may hold the hash of a password.
func parse(text []byte) (kind, directory.Entry, error) {
	var l line
	if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
		return "", nil, unreadable(err)
	}
	var k kind
	var read func() (directory.Entry, error)
	said := 0
	note := func(present bool, of kind, f func() (directory.Entry, error)) {
		if present {
			k, read = of, f
			said++
		}
	}
	note(l.Domain != nil, kindDomain, func() (directory.Entry, error) { return l.Domain.entry() })
	note(l.Role != nil, kindRole, func() (directory.Entry, error) { return l.Role.entry() })
	note(l.Implication != nil, kindImplication, func() (directory.Entry, error) { return l.Implication.entry() })
	note(l.Project != nil, kindProject, func() (directory.Entry, error) { return l.Project.entry() })
	note(l.Group != nil, kindGroup, func() (directory.Entry, error) { return l.Group.entry() })
	note(l.User != nil, kindUser, func() (directory.Entry, error) { return l.User.entry() })
	note(l.Membership != nil, kindMembership, func() (directory.Entry, error) { return l.Membership.entry() })
	note(l.Assignment != nil, kindAssignment, func() (directory.Entry, error) { return l.Assignment.entry() })
	if said != 1 {
		return "", nil, problem.Invalid("the line", "must have one member: domain, role, implication, project, group, user, membership or assignment")
	}
	entry, err := read()
	return k, entry, err
}

// unreadable says where a line stops being one of ours, without repeating it.
func unreadable(err error) error {
	where := "the line"
	switch e := err.(type) { //nolint:errorlint // the decoder's own, not wrapped
	case *json.SemanticError:
		if e.JSONPointer != "" {
			where = string(e.JSONPointer)
		}
		return problem.Invalid(where, "must have only members that are known, each of its type").Because(err)
	case *jsontext.SyntacticError:
		return problem.Invalid(where, fmt.Sprintf("must be one JSON object (see its byte %d)", e.ByteOffset)).Because(err)
	}
	return problem.Invalid(where, "must be one JSON object").Because(err)
}

// wellFormed is what an id may look like: Keystone's are 32 hex digits, `default`, or for
// users of LDAP 64 hex digits. Nothing of it has a meaning in keys or paths.
var wellFormed = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,63}$`)

func checkID(attribute, id string) error {
	if !wellFormed.MatchString(id) {
		return problem.Invalid(attribute, "must be an id: 1 to 64 letters, digits, _, - or .")
	}
	return nil
}

// check is the first error.
func check(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// optionalID lets an empty id through.
func optionalID(attribute, id string) error {
	if id == "" {
		return nil
	}
	return checkID(attribute, id)
}

func home(domainID string) string {
	if domainID == "" {
		return directory.DefaultDomain
	}
	return domainID
}

func isOn(enabled *bool) bool { return enabled == nil || *enabled }

// shown are members of the API's replies that say nothing of their own.
var shown = []string{"links", "password_expires_at", "federated", "extra"}

func further(extra attributes) []byte {
	for _, name := range shown {
		delete(extra, name)
	}
	return directory.Merge(nil, extra, false)
}

func (d *domain) entry() (directory.Entry, error) {
	name, err := directory.CleanName("domain.name", d.Name, directory.MaxDomainName)
	tags, tagsErr := directory.CleanTags("domain.tags", d.Tags)
	for _, name := range []string{"domain_id", "parent_id", "is_domain"} { // as projects that act as domains are shown
		delete(d.Extra, name)
	}
	return directory.NewDomain{Domain: directory.Domain{
			ID: d.ID, Name: name, Enabled: isOn(d.Enabled), Description: d.Description, Tags: tags,
			Options: directory.Merge(nil, d.Options, true), Extra: further(d.Extra),
		}},
		check(checkID("domain.id", d.ID), err, tagsErr, directory.CheckOptions("domain.options", d.Options))
}

func (r *role) entry() (directory.Entry, error) {
	name, err := directory.CleanName("role.name", r.Name, directory.MaxRoleName)
	var immutable *bool
	if v := r.Options["immutable"]; v.Kind() == 't' || v.Kind() == 'f' {
		on := v.Kind() == 't'
		immutable = &on
	}
	return directory.NewRole{Role: directory.Role{
			ID: r.ID, Name: name, DomainID: r.DomainID, Description: r.Description, Immutable: immutable, Extra: further(r.Extra),
		}},
		check(checkID("role.id", r.ID), optionalID("role.domain_id", r.DomainID), err, directory.CheckOptions("role.options", r.Options))
}

func (i *implication) entry() (directory.Entry, error) {
	return directory.NewImplication{PriorID: i.PriorRoleID, ImpliedID: i.ImpliedRoleID},
		check(checkID("implication.prior_role_id", i.PriorRoleID), checkID("implication.implied_role_id", i.ImpliedRoleID))
}

func (p *project) entry() (directory.Entry, error) {
	if p.IsDomain {
		return nil, problem.Invalid("project.is_domain", "must be false; a domain has a line of its own kind")
	}
	name, err := directory.CleanName("project.name", p.Name, directory.MaxProjectName)
	tags, tagsErr := directory.CleanTags("project.tags", p.Tags)
	return directory.NewProject{Project: directory.Project{
			ID: p.ID, Name: name, DomainID: home(p.DomainID), ParentID: p.ParentID, Enabled: isOn(p.Enabled),
			Description: p.Description, Tags: tags, Options: directory.Merge(nil, p.Options, true), Extra: further(p.Extra),
		}},
		check(checkID("project.id", p.ID), optionalID("project.domain_id", p.DomainID), optionalID("project.parent_id", p.ParentID),
			err, tagsErr, directory.CheckOptions("project.options", p.Options))
}

func (g *group) entry() (directory.Entry, error) {
	name, err := directory.CleanName("group.name", g.Name, directory.MaxGroupName)
	return directory.NewGroup{Group: directory.Group{
			ID: g.ID, Name: name, DomainID: home(g.DomainID), Description: g.Description, Extra: further(g.Extra),
		}},
		check(checkID("group.id", g.ID), optionalID("group.domain_id", g.DomainID), err)
}

func (u *user) entry() (directory.Entry, error) {
	name, err := directory.CleanName("user.name", u.Name, directory.MaxUserName)
	if _, plain := u.Extra["password"]; plain {
		return nil, problem.Invalid("user.password", "must not be in a file; password_hash takes the hash that Keystone keeps of it")
	}
	if u.PasswordHash != "" {
		if err := secret.CheckHash(u.PasswordHash); err != nil {
			return nil, problem.Invalid("user.password_hash", "must be a hash as Keystone writes it: bcrypt, bcrypt_sha256, scrypt, pbkdf2_sha512 or argon2id").Because(err)
		}
	}
	return directory.NewUser{User: directory.User{
			ID: u.ID, Name: name, DomainID: home(u.DomainID), Enabled: isOn(u.Enabled), Description: u.Description,
			DefaultProjectID: u.DefaultProjectID, Options: directory.Merge(nil, u.Options, true), Extra: further(u.Extra),
		}, PasswordHash: u.PasswordHash},
		check(checkID("user.id", u.ID), optionalID("user.domain_id", u.DomainID), err, directory.CheckUserOptions("user.options", u.Options))
}

func (m *membership) entry() (directory.Entry, error) {
	return directory.NewMember{GroupID: m.GroupID, UserID: m.UserID},
		check(checkID("membership.group_id", m.GroupID), checkID("membership.user_id", m.UserID))
}

func (a *assignment) entry() (directory.Entry, error) {
	var actor store.Actor
	var target store.Target
	actors, targets := 0, 0
	if a.UserID != "" {
		actor = store.UserActor(a.UserID)
		actors++
	}
	if a.GroupID != "" {
		actor = store.GroupActor(a.GroupID)
		actors++
	}
	if a.ProjectID != "" {
		target = store.OnProject(a.ProjectID)
		targets++
	}
	if a.DomainID != "" {
		target = store.OnDomain(a.DomainID)
		targets++
	}
	if a.System {
		target = store.OnSystem()
		targets++
	}
	switch {
	case actors != 1:
		return nil, problem.Invalid("assignment", "must have either user_id or group_id")
	case targets != 1:
		return nil, problem.Invalid("assignment", "must have one of project_id, domain_id and system")
	case a.Inherited && a.System:
		return nil, problem.Invalid("assignment.inherited", "must be false on the system")
	case a.Inherited:
		target = target.Below()
	}
	err := check(checkID("assignment.role_id", a.RoleID), checkID("assignment.user_id or group_id", actor.ID))
	if !a.System {
		err = check(err, checkID("assignment.project_id or domain_id", target.ID))
	}
	return directory.NewGrant{Actor: actor, Target: target, RoleID: a.RoleID}, err
}
