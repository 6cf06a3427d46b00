package console

import (
	"cmp"
	"context"
	"slices"
	"time"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// Kinds of grants, as forms name them.
const (
	kindTrust   = "trust"
	kindPreauth = "preauthentication"
	kindAccess  = "access-token"
)

// grant is one thing that a user granted, as the page shows it.
type grant struct {
	Kind, ID    string
	Trustee     *person  // of trusts and pre-authentications
	Program     *program // of access tokens
	Project     *project // nil: a trust without one
	Roles       []string
	Expires     time.Time // zero: never
	Used        time.Time // when a token was last obtained, to the hour; zero: no use is on record
	UsesLeft    *int64
	AsYou       bool // whoever uses it acts in her name
	HandedOn    bool // somebody made it from a trust of hers, in her name
	MayHandOn   bool
	Description string
	Ended       string // why it is of no use any more; "": it is
}

// Value names the grant in forms.
func (g grant) Value() string { return g.Kind + "/" + g.ID }

// Name names it for people.
func (g grant) Name() string {
	switch {
	case g.Program != nil && g.Program.Description != "":
		return g.Program.Description
	case g.Program != nil:
		return g.Program.ID
	default:
		return g.Trustee.Name
	}
}

// grants are everything that the session's user granted: what is of use first.
func (s *site) grants(ctx context.Context, c *api.Call) ([]grant, error) {
	me := c.Caller.UserID
	if err := c.AuthorizeAs("identity:list_trusts_for_trustor", policy.TrustList{TrustorID: me}); err != nil {
		return nil, err
	}
	all, err := s.trusts(ctx, c, me)
	if err != nil {
		return nil, err
	}
	if err := c.AuthorizeAs("identity:list_preauthentications", policy.Preauthentication{UserID: me}); err != nil {
		return nil, err
	}
	preauths, err := s.preauthentications(ctx, c, me)
	if err != nil {
		return nil, err
	}
	all = append(all, preauths...)
	if c.May("identity:show_granted_access_tokens", policy.User{ID: me}) {
		programs, err := s.accessTokens(ctx, c, me)
		if err != nil {
			return nil, err
		}
		all = append(all, programs...)
	}
	slices.SortStableFunc(all, func(a, b grant) int {
		return cmp.Or(cmp.Compare(len(a.Ended), len(b.Ended)), cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Value(), b.Value()))
	})
	return all, nil
}

// trusts are the user's own trusts but for those behind pre-authentications.
func (s *site) trusts(ctx context.Context, c *api.Call, me string) (all []grant, err error) {
	for marker := ""; ; {
		l := trust.OfTrustor(me, marker)
		var page trust.Page
		var grants []grant
		err := c.Settle(ctx, func() (err error) {
			if page, err = s.Trusts.List(c.Reads, l); err != nil {
				return err
			}
			grants, err = each(page.Trusts, func(t trust.Trust) (grant, error) { return s.ofTrust(c, kindTrust, t.ID, t) })
			return err
		})
		if err != nil {
			return nil, err
		}
		for n, g := range grants {
			if page.Trusts[n].PreauthID == "" {
				all = append(all, g)
			}
		}
		if marker = page.Next; marker == "" {
			return all, nil
		}
	}
}

func (s *site) preauthentications(ctx context.Context, c *api.Call, me string) (all []grant, err error) {
	for marker := ""; ; {
		l := trust.PreauthListing{UserID: me, Limit: store.MaxPageItems, After: marker}
		var grants []grant
		err := c.Settle(ctx, func() error {
			page, err := s.Trusts.ListPreauths(c.Reads, &l)
			if err != nil {
				return err
			}
			marker = page.Next
			grants, err = each(page.Preauths, func(p trust.Preauth) (grant, error) {
				g, err := s.ofTrust(c, kindPreauth, p.ID, p.Trust)
				if p.Description != nil {
					g.Description = *p.Description
				}
				return g, err
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, grants...)
		if marker == "" {
			return all, nil
		}
	}
}

func (s *site) accessTokens(ctx context.Context, c *api.Call, me string) (all []grant, err error) {
	l := oauth1.OfUser(me)
	err = c.Settle(ctx, func() error {
		tokens, err := s.OAuth1.List(c.Reads, l)
		if err != nil {
			return err
		}
		all, err = each(tokens, func(t oauth1.AccessToken) (grant, error) { return s.ofAccess(c, t) })
		return err
	})
	return all, err
}

// each is a pass over a list: what is pending for one does not keep the others waiting.
func each[T any](list []T, show func(T) (grant, error)) ([]grant, error) {
	all := make([]grant, 0, len(list))
	var failed error
	for _, one := range list {
		g, err := show(one)
		failed = cmp.Or(failed, err)
		all = append(all, g)
	}
	return all, failed
}

// ofTrust is a pass: how a trust looks.
func (s *site) ofTrust(c *api.Call, kind, id string, t trust.Trust) (grant, error) {
	g := grant{
		Kind: kind, ID: id, Expires: t.ExpiresAt, Used: t.UsedAt, UsesLeft: t.RemainingUses, AsYou: t.Impersonation,
		HandedOn: t.ParentID != "", MayHandOn: t.RedelegationCount > 0,
	}
	switch {
	case t.Expired(c.Now()):
		g.Ended = "Expired"
	case t.UsedUp():
		g.Ended = "Used up"
	}
	u, userErr := directory.FindUser(c.Reads, t.TrusteeID)
	trustee := personOf(u)
	g.Trustee = &trustee
	var projectErr error
	if t.ProjectID != "" {
		g.Project, projectErr = s.project(c, t.ProjectID)
	}
	var rolesErr error
	g.Roles, rolesErr = s.names(c, t.RoleIDs)
	return g, cmp.Or(gone(userErr), projectErr, rolesErr)
}

// ofAccess is a pass: how an access token looks.
func (s *site) ofAccess(c *api.Call, t oauth1.AccessToken) (grant, error) {
	g := grant{Kind: kindAccess, ID: t.ID, Expires: t.ExpiresAt, Used: t.UsedAt, AsYou: true}
	if !t.ExpiresAt.IsZero() && c.Now().After(t.ExpiresAt) {
		g.Ended = "Expired"
	}
	consumer, err := s.OAuth1.Consumer(c.Reads, t.ConsumerID)
	p := programOf(consumer)
	g.Program = &p
	var projectErr, rolesErr error
	g.Project, projectErr = s.project(c, t.ProjectID)
	g.Roles, rolesErr = s.names(c, t.RoleIDs)
	return g, cmp.Or(gone(err), projectErr, rolesErr)
}

// project is a pass: a project as pages show it.
func (s *site) project(c *api.Call, id string) (*project, error) {
	p, err := directory.FindProject(c.Reads, id)
	shown := projectOf(p)
	return &shown, gone(err)
}

// gone lets pass what is deleted just now, between the list and this look.
func gone(err error) error {
	if problem.Is(err, problem.KindNotFound) {
		return nil
	}
	return err
}

// names is a pass: the names of roles, sorted, without those that no longer exist.
func (s *site) names(c *api.Call, ids []string) ([]string, error) {
	roles, err := s.Registry.Roles(c.Reads)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		if r, ok := roles.Get(id); ok {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
