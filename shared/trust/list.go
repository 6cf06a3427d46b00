package trust

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Sizes of a page, in entries. Keystone does not page trusts; ours come in one page up to
// these caps (C-064).
const (
	pageSize  = 1000 // of one user's or project's list
	pageShare = 100  // of each of the store.TrustLists partitions of the list of all
)

// afterIDs sorts after every id of a trust.
const afterIDs = "g"

// Listing is one page of a list of trusts while it is being read. It may be given to
// List in several passes over the same read set, also before the caller is known, and is
// for one request.
type Listing struct {
	marker string
	ranges []store.Range
	pages  []store.Page
	read   bool
}

// Page is a page of trusts, by id. Next is the marker of the page after it, "" for the
// last one.
type Page struct {
	Trusts []Trust
	Next   string
}

// OfTrustor lists the trusts that a user made. Marker is the last id of the page before,
// "" for the first page.
func OfTrustor(userID, marker string) *Listing {
	return listing(userID, marker, store.TrustOfTrustor)
}

// OfTrustee lists the trusts made to a user.
func OfTrustee(userID, marker string) *Listing {
	return listing(userID, marker, store.TrustOfTrustee)
}

// longestID is far longer than any id that we make or that Keystone's databases hold.
const longestID = 255

func listing(of, marker string, key func(of, id string) store.Key) *Listing {
	l := &Listing{marker: marker}
	if len(of) <= longestID && utf8.ValidString(of) { // else nobody's id: an empty list
		from, to := key(of, marker), key(of, afterIDs)
		l.ranges = []store.Range{{PK: from.PK, From: from.SK, To: to.SK, Limit: pageSize}}
	}
	return l
}

// OfEverybody lists all trusts.
func OfEverybody(marker string) *Listing {
	l := &Listing{marker: marker}
	for n := range store.TrustLists {
		first := fmt.Sprintf("%x", n)
		r := store.Range{PK: store.TrustList(first).PK, Limit: pageShare}
		switch {
		case marker == "" || first > marker[:1]:
		case first == marker[:1]:
			r.From = marker
		default:
			continue
		}
		l.ranges = append(l.ranges, r)
	}
	return l
}

// List is a pass: a page of trusts that were not deleted, whether live, expired or used up
// (TR-070, TR-074). The list is read strongly consistent, then the trusts in it and all that
// their presence stands on; what hangs under something deleted is left out, before any
// cascade has come by. It fails with NotFound when the marker is not in the list (C-062).
func (s *Service) List(rs *store.ReadSet, l *Listing) (Page, error) {
	if l.marker != "" && !wellFormed(l.marker) {
		return Page{}, problem.NotFound("trust", l.marker)
	}
	if !l.read {
		s.load(rs, l)
		return Page{}, store.ErrPending
	}
	entries, next, err := l.entries()
	if err != nil {
		return Page{}, err
	}
	for _, e := range entries {
		From(e.Item).want(rs)
	}
	page := Page{Next: next, Trusts: make([]Trust, 0, len(entries))}
	for _, e := range entries {
		above, err := s.lineageOf(rs, e.Item.Str(attrID))
		if err == nil {
			err = above.present(rs)
		}
		if _, dead := errors.AsType[*directory.Dead](err); dead {
			continue
		}
		if err != nil {
			return Page{}, err
		}
		page.Trusts = append(page.Trusts, above.trust())
	}
	return page, nil
}

// load notes that the list itself is to be read, all its ranges side by side.
func (s *Service) load(rs *store.ReadSet, l *Listing) {
	l.pages = make([]store.Page, len(l.ranges))
	for n, r := range l.ranges {
		rs.WantLoad("trusts of "+r.PK, func(ctx context.Context) error {
			var err error
			if l.pages[n], err = s.table.Query(ctx, r); err != nil {
				return fmt.Errorf("list trusts of %s: %w", r.PK, err)
			}
			return nil
		})
	}
	rs.WantLoad("trusts", func(context.Context) error { l.read = true; return nil })
}

// entries joins the ranges, up to the first that goes on, without what the page before had.
func (l *Listing) entries() (entries []store.Entry, next string, err error) {
	for _, p := range l.pages {
		entries = append(entries, p.Entries...)
		if p.Next != "" && len(p.Entries) > 0 {
			next = p.Entries[len(p.Entries)-1].Item.Str(attrID)
			break
		}
	}
	if l.marker != "" {
		if len(entries) == 0 || entries[0].Item.Str(attrID) != l.marker {
			return nil, "", problem.NotFound("trust", l.marker)
		}
		entries = entries[1:]
	}
	return entries, next, nil
}
