package trust

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Create makes a trust of a grant; called with a trust's own token it redelegates that
// trust. What decides is read first (the caller's read set usually has it already), then
// one transaction writes the trust, its place in every list and its claim against a
// duplicate, and checks that what it hangs under is still there.
//
// What is wrong is said in the contract's order (trusts.md section 2); the schema and policy come
// before, in the operation.
func (s *Service) Create(ctx context.Context, rs *store.ReadSet, by policy.Caller, g Grant) (Trust, error) {
	var t Trust
	err := rs.Settle(ctx, func() (err error) { t, err = s.draft(rs, by, g); return err })
	if err != nil {
		return Trust{}, err
	}
	t.CreatedAt = s.now().UTC()
	return s.insert(ctx, rs, t, nil)
}

// draft is a pass: the trust that a grant becomes, still without an id.
func (s *Service) draft(rs *store.ReadSet, by policy.Caller, g Grant) (Trust, error) {
	if g.TrustorID == "" || g.TrustorID != by.UserID {
		return Trust{}, problem.ForbiddenBecause("only the trustor can make a trust") // TR-016
	}
	if g.ProjectID != "" && len(g.RoleIDs)+len(g.RoleNames) == 0 {
		return Trust{}, problem.ForbiddenBecause("at least one role must be delegated on a project") // TR-007
	}
	Want(rs, g.TrustorID, g.TrusteeID, g.ProjectID)
	above, err := s.aboveNew(rs, by)
	if err != nil {
		return Trust{}, err
	}
	if _, err := directory.FindUser(rs, g.TrusteeID); err != nil {
		return Trust{}, err
	}
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return Trust{}, err
	}
	if g.RoleIDs, err = g.resolve(roles); err != nil {
		return Trust{}, err
	}
	if err := s.delegable(rs, above, g); err != nil {
		return Trust{}, err
	}
	if !g.ExpiresAt.IsZero() {
		g.ExpiresAt = g.ExpiresAt.UTC().Truncate(time.Second)
		if !s.now().Before(g.ExpiresAt) {
			return Trust{}, problem.Invalid(g.named("expires_at"), "must be in the future") // TR-019
		}
	}
	if above == nil {
		return g.first(s.max)
	}
	parent := above.trust()
	if err := Redelegate(parent, above.ancestors(), g, s.max); err != nil {
		return Trust{}, err
	}
	t := g.under(parent)
	t.Ancestors = append(slices.Clone(parent.Ancestors), parent.ID)
	t.above = above.users()
	return t, nil
}

// aboveNew is a pass: the trust whose token makes the new one, with all above it; nil
// when the caller redelegates nothing.
func (s *Service) aboveNew(rs *store.ReadSet, by policy.Caller) (lineage, error) {
	if by.TrustID == "" {
		return nil, nil
	}
	l, err := s.lineageOf(rs, by.TrustID)
	if err == nil {
		err = l.unexpired(s.now())
	}
	if d, ok := errors.AsType[*directory.Dead](err); ok {
		return nil, problem.Unauthorized(d) // the caller's token died under her
	}
	return l, err
}

// resolve turns names into ids. A role listed twice is delegated once (TR-028; Divergence:
// Keystone answers 409).
func (g Grant) resolve(roles *directory.Roles) (store.Set, error) {
	all := slices.Clone([]string(g.RoleIDs))
	for _, name := range g.RoleNames {
		var found []string
		for _, r := range roles.All() {
			if r.Name == name {
				found = append(found, r.ID)
			}
		}
		switch len(found) {
		case 0:
			return nil, problem.NotFound("role", name)
		case 1:
			all = append(all, found[0])
		default:
			return nil, problem.Invalid(g.named("roles"), fmt.Sprintf("must give the id of role %q: several have that name", name))
		}
	}
	return store.NewSet(all...), nil
}

// delegable is a pass: nil when the project is there, enabled or not (TR-011), and the
// trustor and every trustor above hold the roles on it. A role that does not exist and a
// role that is not hers are one answer (TR-004), and so are roles without a project (TR-008).
func (s *Service) delegable(rs *store.ReadSet, above lineage, g Grant) error {
	if g.ProjectID == "" {
		if len(g.RoleIDs) > 0 {
			return problem.NotFound("role", g.RoleIDs[0])
		}
		return nil
	}
	if _, err := directory.FindProject(rs, g.ProjectID); err != nil {
		return err
	}
	err := s.held(rs, append(above[:len(above):len(above)], g.trust()), g.RoleIDs)
	if lost, ok := errors.AsType[*lostRole](err); ok {
		return problem.NotFound("role", lost.roleID).Because(lost)
	}
	if d, ok := errors.AsType[*directory.Dead](err); ok {
		return problem.Unauthorized(d) // a trustor was deleted while her trust's token was being read
	}
	return err
}

// attempts bounds how often a creation is tried again. An id is drawn again when another
// trust has the same first 8 bytes, and a claim is taken over once; more than that means
// that somebody else keeps winning.
const attempts = 5

// insert writes a drafted trust. A claim whose holder is dead is taken over under the
// condition that the holder is still the one that was judged (TR-027). What is to be
// written with the trust is asked for when its id is known.
func (s *Service) insert(ctx context.Context, rs *store.ReadSet, t Trust, with func(Trust) []store.Mutation) (Trust, error) {
	var holder string // of the claim; "" when it is free
	for range attempts {
		t.ID = s.newID()
		write := s.insertion(t, holder)
		if with != nil {
			write = append(write, with(t)...)
		}
		err := s.table.Write(ctx, store.NewRequestID(), write...)
		refused, ok := store.AsRefused(err)
		if !ok {
			if err != nil {
				return Trust{}, fmt.Errorf("store trust %s: %w", t.ID, err)
			}
			s.memory.keep(t)
			return t, nil
		}
		claim, _ := t.claim()
		switch refused.Key {
		case store.Trust(t.ID):
			// Another trust has the first 8 bytes of this id.
		case claim:
			if holder, err = s.deadHolder(ctx, rs, refused.Item); err != nil {
				return Trust{}, err
			}
		default:
			return Trust{}, gone(t, refused)
		}
	}
	return Trust{}, fmt.Errorf("store a trust of user %s: %w", t.TrustorID, store.ErrContended)
}

// insertion is the transaction that makes a trust. At most ten items of 1 KB: 20 write
// units (design.md section 5); two more where a pre-authentication comes with it.
//
// A child checks its parent and its root, not its trustor and project: these are the parent's too,
// and whatever ends the parent after this write finds the child in the parent's list.
func (s *Service) insertion(t Trust, holder string) []store.Mutation {
	write := []store.Mutation{store.Create(store.Trust(t.ID), t.item(s.retention))}
	for _, k := range t.mirrors() {
		write = append(write, store.Create(k, t.mirror(s.retention)))
	}
	if k, ok := t.claim(); ok {
		claim := store.Item{store.AttrType: "trust claim", attrOwner: t.ID}
		t.setTTL(claim, s.retention)
		if holder == "" {
			write = append(write, store.Create(k, claim))
		} else {
			write = append(write, store.Update(k).Set(attrOwner, t.ID).Set(store.AttrTTL, claim[store.AttrTTL]).
				Where(store.Equals(attrOwner, holder)))
		}
	}
	under := []store.Key{store.User(t.TrusteeID)}
	if t.ParentID == "" {
		if t.TrustorID != t.TrusteeID {
			under = append(under, store.User(t.TrustorID))
		}
		if t.ProjectID != "" {
			under = append(under, store.Project(t.ProjectID))
		}
	} else {
		write = append(write, stillThere(t.ParentID))
		if root := t.Ancestors[0]; root != t.ParentID {
			write = append(write, stillThere(root))
		}
	}
	for _, k := range under {
		write = append(write, store.Check(k))
	}
	return write
}

func stillThere(trustID string) store.Mutation {
	return store.Check(store.Trust(trustID)).Where(store.Equals(attrID, trustID))
}

// deadHolder says who holds a claim that may be taken over: "" when it is free by now.
// It fails with Conflict when the holder is alive.
func (s *Service) deadHolder(ctx context.Context, rs *store.ReadSet, claim store.Item) (string, error) {
	if claim == nil {
		return "", nil
	}
	holder := claim.Str(attrOwner)
	rs.Forget(store.Trust(holder))
	err := rs.Settle(ctx, func() error { _, err := s.Find(rs, holder); return err })
	switch {
	case err == nil:
		return "", problem.Conflict("trust", "the same delegation with the same expiry exists") // TR-025
	case problem.Is(err, problem.KindNotFound):
		return holder, nil
	default:
		return "", err
	}
}

// gone says what was deleted between the read and the write.
func gone(t Trust, refused *store.Refused) error {
	switch refused.Key {
	case store.User(t.TrusteeID):
		return problem.NotFound("user", t.TrusteeID)
	case store.Project(t.ProjectID):
		return problem.NotFound("project", t.ProjectID)
	default: // the trustor, or a trust that the caller's token stands on
		return problem.Unauthorized(refused)
	}
}
