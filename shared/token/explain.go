package token

import (
	"errors"
	"slices"
	"time"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// Explanation is what a judgement looked at, and what it found.
type Explanation struct {
	Dead     *directory.Dead // nil: the token is live
	Evidence []Evidence      // in the order in which it was asked for
}

// Evidence is one item that a judgement looked at. It never holds a secret, a digest or
// the text of a token.
type Evidence struct {
	Kind  string           // as [store.Key.Named] has it, or "text": what was given as a token
	ID    string           // of a token its audit id; of an absent token or trust perhaps its first 16 hex digits only
	Of    string           // the user whose item or grant it is; "" for others
	Found bool             // whether it is there
	Kills directory.Reason // why this ends the token; "" where it does not, or was not asked
	Says  Says
}

// Says is what an item says of the token; nil where it is not for the item to say.
type Says struct {
	Enabled       *bool      // user, project, domain
	EpochEqual    *bool      // user: no end of all her tokens since the token was issued
	Revoked       *bool      // token
	ChainRevoked  *bool      // token: with all that was made from it
	ExpiresAt     *time.Time // token, trust; nil: never
	RemainingUses *int64     // trust; nil: unlimited
	Trustor       string     // trust: id of the user
	Trustee       string     // trust: id of the user
	Roles         []string   // grant, trust, access token: ids of roles that are there
	GoneRoles     []string   // … and of those that are not
	GoneGroups    []string   // head: ids of deleted groups that a user of the evidence is in
}

// Explain is a pass: Examine with all that it looked at. A dead token is no error but a
// finding, Explanation.Dead. It reads what Examine reads and nothing more.
func (s *Service) Explain(rs *store.ReadSet, text secret.Text, grace time.Duration) (t Token, x Explanation, err error) {
	seen, err := rs.Watch(func() (err error) {
		t, err = s.Examine(rs, text, grace)
		return err
	})
	if !errors.As(err, &x.Dead) && err != nil {
		return t, x, err
	}
	o, _ := s.open(rs, text)
	e := explainer{rs: rs, names: map[store.Key]string{}, audit: o.audit}
	e.roles, _ = s.registry.Roles(rs) // known wherever a role decided anything
	for _, item := range seen {
		e.learn(item)
	}
	for _, item := range seen {
		if kind, _ := item.Key.Named(); kind != "" {
			x.Evidence = append(x.Evidence, e.evidence(item))
		}
	}
	x.blame(e)
	return t, x, nil
}

// blame marks the item that killed. A role is known without having been read just now, and
// a text that is no token has no item: these are added.
func (x *Explanation) blame(e explainer) {
	if x.Dead == nil {
		return
	}
	killer := Evidence{Kind: "text", Found: true}
	if x.Dead.At != (store.Key{}) {
		killer = e.evidence(store.Entry{Key: x.Dead.At})
	}
	n := slices.IndexFunc(x.Evidence, func(i Evidence) bool { return i.Kind == killer.Kind && i.ID == killer.ID })
	if n < 0 {
		n, x.Evidence = len(x.Evidence), append(x.Evidence, killer)
	}
	x.Evidence[n].Kills = x.Dead.Reason
}

// explainer is what must be known to say what items mean for one token.
type explainer struct {
	rs     *store.ReadSet
	audit  AuditID
	row    *Row
	trust  trust.Trust // the token's own, where it was found
	roles  *directory.Roles
	groups []string             // of everybody
	names  map[store.Key]string // full ids of what keys cut short
}

// learn takes from an item what is needed to understand others.
func (e *explainer) learn(i store.Entry) {
	e.names[store.Token(e.audit.Hex())] = e.audit.String()
	if i.Item == nil {
		return
	}
	switch kind, _ := i.Key.Named(); kind {
	case "token":
		row, err := RowFrom(i.Item)
		if err != nil {
			return
		}
		e.names[i.Key] = row.Audit.String()
		if i.Key != store.Token(e.audit.Hex()) {
			return
		}
		e.row = &row
		if row.Derived() {
			e.names[store.Token(row.Root.Hex())] = row.Root.String()
		}
		if row.TrustID != "" {
			e.names[store.Trust(row.TrustID)] = row.TrustID
		}
	case "trust":
		t := trust.From(i.Item)
		for _, id := range append(slices.Clone(t.Ancestors), t.ID) {
			e.names[store.Trust(id)] = id
		}
		if e.row != nil && t.ID == e.row.TrustID {
			e.trust = t
		}
	case "user":
		e.groups = append(e.groups, directory.UserFrom(i.Item).Groups...)
	}
}

func (e *explainer) evidence(i store.Entry) Evidence {
	kind, id := i.Key.Named()
	if full, ok := e.names[i.Key]; ok {
		id = full
	}
	v := Evidence{Kind: kind, ID: id, Of: i.Key.OfUser(), Found: i.Item != nil}
	if v.Found {
		v.Says = e.says(kind, i.Item)
	}
	return v
}

func (e *explainer) says(kind string, i store.Item) (s Says) {
	switch kind {
	case "token":
		if row, err := RowFrom(i); err == nil {
			s.Revoked, s.ChainRevoked, s.ExpiresAt = &row.Dead, &row.ChainDead, &row.ExpiresAt
		}
	case "user":
		u := directory.UserFrom(i)
		s.Enabled, s.EpochEqual = &u.Enabled, e.epochEqual(u)
	case "project":
		p := directory.ProjectFrom(i)
		s.Enabled = &p.Enabled
	case "domain":
		d := directory.DomainFrom(i)
		s.Enabled = &d.Enabled
	case "head":
		if head, err := directory.ReadHead(e.rs); err == nil {
			for _, g := range head.GoneGroups {
				if slices.Contains(e.groups, g) {
					s.GoneGroups = append(s.GoneGroups, g)
				}
			}
		}
	case "grant":
		s.Roles, s.GoneRoles = e.split(directory.AssignmentFrom(i).Roles)
	case "trust":
		t := trust.From(i)
		s.Trustor, s.Trustee, s.RemainingUses = t.TrustorID, t.TrusteeID, t.RemainingUses
		s.Roles, s.GoneRoles = e.split(t.RoleIDs)
		if !t.ExpiresAt.IsZero() {
			s.ExpiresAt = &t.ExpiresAt
		}
	case "access_token":
		s.Roles, s.GoneRoles = e.split(oauth1.AccessTokenFrom(i).RoleIDs)
	}
	return s
}

// epochEqual compares a user's epoch with the one in the token's row; nil for those of
// whom the row has none.
func (e *explainer) epochEqual(u directory.User) *bool {
	if e.row == nil {
		return nil
	}
	switch u.ID {
	case e.row.UserID:
		return new(u.Epoch == e.row.Epoch)
	case e.trust.TrustorID:
		return new(u.Epoch == e.row.TrustorEpoch)
	default:
		return nil
	}
}

// split tells roles that are there from those that are not.
func (e *explainer) split(ids store.Set) (there, gone []string) {
	for _, id := range ids {
		if e.roles != nil {
			if _, ok := e.roles.Get(id); !ok {
				gone = append(gone, id)
				continue
			}
		}
		there = append(there, id)
	}
	return there, gone
}
