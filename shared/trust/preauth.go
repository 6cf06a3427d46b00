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

// Preauth is a pre-authentication: its creator's private, stable handle on a trust of
// hers (contract/preauthentications.md). The trust behind it is an ordinary one and never
// changes; the handle changes by getting another trust. It exists exactly as long as the
// trust: whatever deletes that deletes the handle in the same write.
type Preauth struct {
	ID          string // 32 hex digits, unrelated to the trust's; it opens nothing
	UserID      string // creator, who is the trustor
	Description *string
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero: never
	Version     int64     // 1, and one more with every change
	Trust       Trust     // the one behind it, alive, expired or used up
}

const (
	attrUser        = "user_id"
	attrTrust       = "trust_id"
	attrDescription = "description"
	attrUpdated     = "updated_at"
	attrVersion     = "version"
)

// handle is what the handle's item says itself. Of the trust that is its id and, so that
// its items come in one trip, who and what it is about.
func (p Preauth) handle(t Trust) store.Item {
	i := store.Item{
		store.AttrType: "preauthentication", attrID: p.ID, attrUser: p.UserID, attrTrust: t.ID,
		attrTrustee: t.TrusteeID, attrProject: t.ProjectID, attrCreated: p.CreatedAt.UnixMicro(), attrVersion: p.Version,
	}
	if p.Description != nil {
		i[attrDescription] = *p.Description
	}
	return i
}

// listed is the item by which the delegate's request finds the trust.
func (p Preauth) listed(t Trust) store.Item {
	i := store.Item{
		store.AttrType: "preauthentication listed", attrID: p.ID, attrTrust: t.ID,
		attrTrustor: t.TrustorID, attrTrustee: t.TrusteeID, attrProject: t.ProjectID,
	}
	if !t.ExpiresAt.IsZero() {
		i[attrExpires] = t.ExpiresAt.Unix()
	}
	return i
}

// preauthFrom reads a handle. Of its trust only what the handle says is there.
func preauthFrom(i store.Item) Preauth {
	p := Preauth{
		ID: i.Str(attrID), UserID: i.Str(attrUser), Version: i.Int(attrVersion),
		CreatedAt: time.UnixMicro(i.Int(attrCreated)).UTC(),
		Trust: Trust{
			ID: i.Str(attrTrust), TrustorID: i.Str(attrUser), TrusteeID: i.Str(attrTrustee), ProjectID: i.Str(attrProject),
		},
	}
	if i.Has(attrDescription) {
		d := i.Str(attrDescription)
		p.Description = &d
	}
	if i.Has(attrUpdated) {
		p.UpdatedAt = time.UnixMicro(i.Int(attrUpdated)).UTC()
	}
	return p
}

// handles are the keys of the pre-authentication that holds the trust.
func (t Trust) handles() []store.Key {
	return []store.Key{store.Preauth(t.TrustorID, t.PreauthID), store.PreauthFor(t.TrustorID, t.TrusteeID, t.PreauthID)}
}

// creation writes a new handle beside its trust.
func (p Preauth) creation(t Trust) []store.Mutation {
	keys := t.handles()
	return []store.Mutation{store.Create(keys[0], p.handle(t)), store.Create(keys[1], p.listed(t))}
}

func noPreauth(id string) *problem.Error { return problem.NotFound("preauthentication", id) }

// CreatePreauth makes a pre-authentication and its trust, by the rules of Create.
func (s *Service) CreatePreauth(ctx context.Context, rs *store.ReadSet, by policy.Caller, g Grant, description *string) (Preauth, error) {
	var t Trust
	err := rs.Settle(ctx, func() (err error) { t, err = s.draftHeld(rs, by, g); return err })
	if err != nil {
		return Preauth{}, err
	}
	now := s.now().UTC()
	p := Preauth{ID: newID(), UserID: t.TrustorID, Description: description, CreatedAt: now, Version: 1}
	t.CreatedAt, t.PreauthID = now, p.ID
	p.Trust, err = s.insert(ctx, rs, t, p.creation)
	return p, err
}

// draftHeld is a pass: the trust of a pre-authentication. One without authority would be
// pointless (PA-006).
func (s *Service) draftHeld(rs *store.ReadSet, by policy.Caller, g Grant) (Trust, error) {
	switch {
	case g.ProjectID == "":
		return Trust{}, problem.Invalid(g.named("project_id"), "is required")
	case len(g.RoleIDs)+len(g.RoleNames) == 0:
		return Trust{}, problem.Invalid(g.named("roles"), "must name at least one role")
	case g.RemainingUses != nil && *g.RemainingUses < 1: // what was left of the trust before
		return Trust{}, problem.Invalid(g.named("remaining_uses"), "must be an integer of 1 or more")
	}
	return s.draft(rs, by, g)
}

// Sight is what one request has seen of trusts behind pre-authentications. A batch of
// reads is no snapshot: a handle may be read before it got another trust, and its old
// trust after. So a handle whose trust is dead is read again, once for each trust: when
// it then names the same one, that is how it is.
type Sight struct {
	dead  map[string]bool // trusts found dead
	again map[string]int  // how often a handle was read again
}

// maxAgain bounds how often one request follows a handle that gets other trusts meanwhile.
const maxAgain = 4

// doubt reports whether this is the first time that the handle's trust is found dead.
func (v *Sight) doubt(p Preauth) (first bool, err error) {
	if v.dead[p.Trust.ID] {
		return false, nil
	}
	if v.dead == nil {
		v.dead, v.again = make(map[string]bool, 1), make(map[string]int, 1)
	}
	v.dead[p.Trust.ID] = true
	if v.again[p.ID]++; v.again[p.ID] > maxAgain {
		return false, fmt.Errorf("read pre-authentication %s: %w", p.ID, store.ErrContended)
	}
	return true, nil
}

// behind is a pass: a handle with the trust behind it, whether alive, expired or used up;
// *directory.Dead when it is gone, or one of its people or its project is (PA-043).
func (s *Service) behind(rs *store.ReadSet, v *Sight, p Preauth) (Preauth, error) {
	for {
		p.Trust.want(rs)
		l, err := s.lineageOf(rs, p.Trust.ID)
		if err == nil {
			err = l.present(rs)
		}
		if err == nil {
			p.Trust = l.trust()
			return p, nil
		}
		if _, dead := errors.AsType[*directory.Dead](err); !dead {
			return Preauth{}, err
		}
		key := store.Preauth(p.UserID, p.ID)
		first, tired := v.doubt(p)
		if tired != nil {
			return Preauth{}, tired
		}
		if first {
			rs.Forget(key)
		}
		i, pending := rs.Get(key)
		if pending != nil {
			return Preauth{}, pending
		}
		newer := preauthFrom(i)
		if i == nil || newer.Trust.ID == p.Trust.ID {
			return Preauth{}, err
		}
		p = newer
	}
}

// WantPreauth notes a handle for the first trip.
func WantPreauth(rs *store.ReadSet, userID, id string) { rs.Want(store.Preauth(userID, id)) }

// FindPreauth is a pass: a creator's pre-authentication with the trust behind it.
func (s *Service) FindPreauth(rs *store.ReadSet, v *Sight, userID, id string) (Preauth, error) {
	if !wellFormed(id) {
		return Preauth{}, noPreauth(id)
	}
	i, err := rs.Get(store.Preauth(userID, id))
	if err != nil {
		return Preauth{}, err
	}
	if i == nil {
		return Preauth{}, noPreauth(id)
	}
	p, err := s.behind(rs, v, preauthFrom(i))
	if d, ok := errors.AsType[*directory.Dead](err); ok {
		return Preauth{}, noPreauth(id).Because(d)
	}
	return p, err
}

// DeletePreauth ends a pre-authentication with its trust by one write. When it got
// another trust meanwhile, that one is ended.
func (s *Service) DeletePreauth(ctx context.Context, rs *store.ReadSet, userID, id string) error {
	var v Sight
	for range maxRewrites {
		var p Preauth
		err := rs.Settle(ctx, func() (err error) { p, err = s.FindPreauth(rs, &v, userID, id); return err })
		if err != nil {
			return err
		}
		gone, err := s.remove(ctx, p.Trust)
		if err != nil || !gone {
			return err
		}
		rs.Forget(store.Preauth(userID, id), store.Trust(p.Trust.ID))
	}
	return fmt.Errorf("delete pre-authentication %s: %w", id, store.ErrContended)
}

// Change is what becomes of a pre-authentication.
type Change struct {
	Trust       *Grant  // what its trust becomes; nil: that stays
	Description *string // what it is described as
	Described   bool    // Description is meant; else it stays
}

// UpdatePreauth changes a pre-authentication. When its trust is to change it gets a new
// one: in one write the old trust is deleted, the new one is there, and the handle points
// to it, so that at every instant exactly one trust is behind the handle. All of it
// is checked as for a creation before anything is written.
//
// The change is asked for with the pre-authentication as it stands, and again when
// somebody else was quicker: it is then made on top of hers. It fails with Conflict when
// others are quicker all the time.
func (s *Service) UpdatePreauth(
	ctx context.Context, rs *store.ReadSet, by policy.Caller, id string, edit func(Preauth) (Change, error),
) (Preauth, error) {
	w := rewrite{service: s, userID: by.UserID, id: id}
	for range maxRewrites {
		err := rs.Settle(ctx, func() error { return w.plan(rs, by, edit) })
		if err != nil || len(w.write) == 0 {
			return w.next, err
		}
		err = s.table.Write(ctx, store.NewRequestID(), w.write...)
		refused, ok := store.AsRefused(err)
		if !ok {
			if err != nil {
				return Preauth{}, fmt.Errorf("change pre-authentication %s: %w", id, err)
			}
			s.memory.keep(w.next.Trust)
			return w.next, nil
		}
		if err := w.refused(ctx, rs, refused); err != nil {
			return Preauth{}, err
		}
	}
	return Preauth{}, problem.Conflict("preauthentication", "it is being changed by others")
}

// maxRewrites bounds how often a change is made anew. Each time, somebody else's was made.
const maxRewrites = 20

// rewrite is a change of a pre-authentication being made.
type rewrite struct {
	service    *Service
	userID, id string
	sight      Sight

	old, next Preauth
	write     []store.Mutation // empty: nothing is to be done

	gone    []store.Key // of the old trust's lists, found not to be there
	holder  string      // of the new trust's claim, to be taken over …
	claimed store.Key   // … once this one was found to be held
}

// plan is a pass: what is to be written.
func (w *rewrite) plan(rs *store.ReadSet, by policy.Caller, edit func(Preauth) (Change, error)) (err error) {
	s := w.service
	if w.old, err = s.FindPreauth(rs, &w.sight, w.userID, w.id); err != nil {
		return err
	}
	change, err := edit(w.old)
	if err != nil {
		return err
	}
	w.write, w.next = nil, w.old
	if change.Trust == nil && !change.Described {
		return nil
	}
	w.next.Version, w.next.UpdatedAt = w.old.Version+1, s.now().UTC()
	handle := store.Update(store.Preauth(w.userID, w.id)).
		Where(store.Equals(attrVersion, w.old.Version), store.Equals(attrTrust, w.old.Trust.ID)).
		Set(attrVersion, w.next.Version).Set(attrUpdated, w.next.UpdatedAt.UnixMicro())
	if change.Described {
		w.next.Description = change.Description
		handle = handle.Set(attrDescription, text(change.Description))
	}
	if change.Trust != nil {
		t, err := s.draftHeld(rs, by, *change.Trust)
		if err != nil {
			return err
		}
		t.ID, t.CreatedAt, t.PreauthID, t.UsedAt = s.newID(), w.next.UpdatedAt, w.id, w.old.Trust.UsedAt
		w.next.Trust = t
		handle = handle.Set(attrTrust, t.ID).Set(attrTrustee, t.TrusteeID).Set(attrProject, t.ProjectID)
		w.write = w.replacement()
	}
	w.write = append(w.write, handle)
	return nil
}

func text(v *string) store.Value {
	if v == nil {
		return nil
	}
	return *v
}

// replacement deletes the old trust and makes the new one, but for the handle itself. What
// is left of the old one's uses was taken over as it was read: a login that takes one
// meanwhile makes the change be made anew.
func (w *rewrite) replacement() []store.Mutation {
	old, next := w.old.Trust, w.next.Trust
	kill := store.Delete(store.Trust(old.ID)).Where(store.Equals(attrID, old.ID))
	if old.RemainingUses != nil && next.RemainingUses != nil && *old.RemainingUses == *next.RemainingUses {
		kill = kill.Where(store.Equals(attrUses, *old.RemainingUses))
	}
	claim, claims := next.claim()
	holder := ""
	if before, ok := old.claim(); ok && claims && before == claim {
		holder = old.ID // judged without the trust that is being replaced (section 1)
	}
	if claim == w.claimed {
		holder = w.holder
	}
	write := append([]store.Mutation{kill}, w.service.insertion(next, holder)...)
	was, is := old.handles()[1], next.handles()[1]
	listed := w.next.listed(next)
	if was == is {
		m := store.Update(is).Where(store.Equals(attrTrust, old.ID))
		for _, name := range []string{attrTrust, attrProject, attrExpires} {
			m = m.Set(name, listed[name])
		}
		write = append(write, m)
	} else {
		write = append(write, store.Delete(was).Where(store.Equals(attrTrust, old.ID)), store.Create(is, listed))
	}
	old.PreauthID = "" // its handles stay
	for _, m := range w.service.belongings(old) {
		if m.Key != claim && !slices.Contains(w.gone, m.Key) {
			write = append(write, m)
		}
	}
	return write
}

// refused prepares the next plan after a write that was refused.
func (w *rewrite) refused(ctx context.Context, rs *store.ReadSet, r *store.Refused) (err error) {
	old := w.old.Trust
	claim, _ := w.next.Trust.claim()
	switch {
	case r.Key == store.Trust(w.next.Trust.ID):
		return nil // another trust has the first 8 bytes of this id
	case r.Key == claim:
		w.claimed = claim
		if w.holder = r.Item.Str(attrOwner); w.holder != old.ID {
			w.holder, err = w.service.deadHolder(ctx, rs, r.Item)
		}
		return err
	}
	old.PreauthID = ""
	for _, m := range w.service.belongings(old) {
		if m.Key == r.Key { // nothing that merely lists a trust may keep it alive
			w.gone = append(w.gone, m.Key)
			return nil
		}
	}
	for _, m := range w.write { // somebody was quicker: what did she leave?
		rs.Forget(m.Key)
	}
	return nil
}
