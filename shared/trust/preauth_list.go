package trust

import (
	"context"
	"errors"
	"fmt"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// PreauthListing is one page of a creator's pre-authentications while it is being read.
// It is for one request.
type PreauthListing struct {
	UserID     string
	DelegateID string // only those for this user; "": for any
	ProjectID  string // only those about this project; "": about any
	Limit      int    // most of a page, 1 to store.MaxPageItems
	After      string // id of the last one of the page before; "" for the first page

	sight Sight
	page  store.Page
	read  bool
}

// PreauthPage is a page of pre-authentications, by id. Next is the marker of the page after
// it, "" for the last one. A page may hold fewer than asked for, and even none, while
// there are more: no more than store.MaxPageItems are looked at for it.
type PreauthPage struct {
	Preauths []Preauth
	Next     string
}

// ListPreauths is a pass: a page of pre-authentications with the trusts behind them. It
// fails with NotFound when the marker is not in the list (C-062).
func (s *Service) ListPreauths(rs *store.ReadSet, l *PreauthListing) (PreauthPage, error) {
	if l.After != "" && !wellFormed(l.After) {
		return PreauthPage{}, noPreauth(l.After)
	}
	if !l.read {
		s.loadPreauths(rs, l)
		return PreauthPage{}, store.ErrPending
	}
	entries := l.page.Entries
	if l.After != "" {
		if len(entries) == 0 || entries[0].Item.Str(attrID) != l.After {
			return PreauthPage{}, noPreauth(l.After)
		}
		entries = entries[1:]
	}
	page, pending := PreauthPage{}, false
	for _, e := range entries {
		p := preauthFrom(e.Item)
		page.Next = p.ID
		if !l.selects(p) { // as listed: to be looked at again when it is shown
			continue
		}
		p, err := s.behind(rs, &l.sight, p)
		_, dead := errors.AsType[*directory.Dead](err)
		switch {
		case errors.Is(err, store.ErrPending):
			pending = true
		case dead:
		case err != nil:
			return PreauthPage{}, err
		case !l.selects(p):
		case len(page.Preauths) == l.Limit && pending:
			return PreauthPage{}, store.ErrPending
		case len(page.Preauths) == l.Limit:
			page.Next = page.Preauths[l.Limit-1].ID
			return page, nil
		default:
			page.Preauths = append(page.Preauths, p)
		}
	}
	if pending {
		return PreauthPage{}, store.ErrPending
	}
	if l.page.Next == "" {
		page.Next = ""
	}
	return page, nil
}

func (l *PreauthListing) selects(p Preauth) bool {
	return (l.DelegateID == "" || p.Trust.TrusteeID == l.DelegateID) && (l.ProjectID == "" || p.Trust.ProjectID == l.ProjectID)
}

func (s *Service) loadPreauths(rs *store.ReadSet, l *PreauthListing) {
	from, to := store.Preauth(l.UserID, l.After), store.Preauth(l.UserID, afterIDs)
	r := store.Range{PK: from.PK, From: from.SK, To: to.SK, Limit: store.MaxPageItems}
	if l.DelegateID == "" && l.ProjectID == "" {
		r.Limit = min(l.Limit+2, store.MaxPageItems) // the marker, and one to see that there are more
	}
	rs.WantLoad("pre-authentications", func(ctx context.Context) (err error) {
		if l.page, err = s.table.Query(ctx, r); err != nil {
			return fmt.Errorf("list pre-authentications of user %s: %w", l.UserID, err)
		}
		l.read = true
		return nil
	})
}

// Arrangement asks for what a creator arranged for a delegate. It is for one request.
type Arrangement struct {
	CreatorID, DelegateID string
	ProjectID, TrustID    string // narrow it; "": any

	dead  map[string]bool // trusts found gone, whose list was read again since
	again int             // how often it was
	page  store.Page
	read  bool
}

// maxArranged is how many arrangements of one creator for one delegate are looked at.
const maxArranged = 100

// Arranged is a pass: the one trust behind a pre-authentication of this creator for this
// delegate, if it is alive, whether or not it can be used at present. NotFound when there is
// none (PA-053, PA-055), Conflict when there are several (PA-054). Trusts that no
// pre-authentication holds are not looked at.
func (s *Service) Arranged(rs *store.ReadSet, a *Arrangement) (Trust, error) {
	if a.TrustID != "" {
		return s.arrangedAs(rs, a)
	}
	if len(a.CreatorID) > longestID || !store.User(a.CreatorID).Storable() {
		return Trust{}, a.none()
	}
	if !a.read {
		s.loadArranged(rs, a)
		return Trust{}, store.ErrPending
	}
	var found []Trust
	var pending, stale bool
	for _, e := range a.page.Entries {
		t := From(e.Item)
		t.ID = e.Item.Str(attrTrust)
		if !a.fits(t) || t.Expired(s.now()) {
			continue
		}
		Want(rs, t.TrustorID, t.TrusteeID, t.ProjectID, t.ID) // the grant too: a token is to be issued
		t, err := s.find(rs, t.ID)
		_, dead := errors.AsType[*directory.Dead](err)
		switch {
		case errors.Is(err, store.ErrPending):
			pending = true
		case dead:
			stale = a.doubt(e.Item.Str(attrTrust)) || stale
		case err != nil:
			return Trust{}, err
		default:
			found = append(found, t)
		}
	}
	switch {
	case pending:
		return Trust{}, store.ErrPending
	case stale && a.again == maxAgain:
		return Trust{}, fmt.Errorf("read what user %s arranged: %w", a.CreatorID, store.ErrContended)
	case stale: // it may just have been replaced
		a.again++
		s.loadArranged(rs, a)
		return Trust{}, store.ErrPending
	case len(found) == 0 && a.page.Next == "":
		return Trust{}, a.none()
	case len(found) == 1 && a.page.Next == "":
		return found[0], nil
	default:
		return Trust{}, problem.Conflict("token", "several arrangements fit; narrow it by project_id or trust_id")
	}
}

// arrangedAs is Arranged for a trust that the caller names.
func (s *Service) arrangedAs(rs *store.ReadSet, a *Arrangement) (Trust, error) {
	t, err := s.find(rs, a.TrustID)
	if d, dead := errors.AsType[*directory.Dead](err); dead {
		return Trust{}, a.none().Because(d)
	}
	if err == nil && (t.PreauthID == "" || !a.fits(t)) {
		return Trust{}, a.none()
	}
	return t, err
}

func (a *Arrangement) fits(t Trust) bool {
	return t.TrustorID == a.CreatorID && t.TrusteeID == a.DelegateID && (a.ProjectID == "" || t.ProjectID == a.ProjectID)
}

// none is the same whether or not there is such a user (PA-053).
func (a *Arrangement) none() *problem.Error {
	return problem.NotFound("arrangement of user", a.CreatorID)
}

func (a *Arrangement) doubt(trustID string) bool {
	first := !a.dead[trustID]
	if a.dead == nil {
		a.dead = make(map[string]bool, 1)
	}
	a.dead[trustID] = true
	return first
}

func (s *Service) loadArranged(rs *store.ReadSet, a *Arrangement) {
	r := store.Prefixed(store.PreauthFor(a.CreatorID, a.DelegateID, ""))
	r.Limit = maxArranged
	rs.WantLoad("arrangements", func(ctx context.Context) (err error) {
		if a.page, err = s.table.Query(ctx, r); err != nil {
			return fmt.Errorf("list what user %s arranged for user %s: %w", a.CreatorID, a.DelegateID, err)
		}
		a.read = true
		return nil
	})
}
