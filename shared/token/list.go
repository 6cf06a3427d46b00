package token

import (
	"context"
	"errors"
	"fmt"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// PageSize is the most that a page of tokens has. Every token of a page is judged.
const PageSize = 100

// maxLoads bounds how often one page goes back to the index for more candidates, when
// what it found there proved dead. The page is short then, and says where to go on.
const maxLoads = 4

// Listing is one page of a user's live tokens while it is being read, by audit id. It may
// be given to List in several passes over the same read set and is for one request.
//
// Candidates come from index 1, which is late: a token issued just now may be missing,
// and one that ended just now may still be there, so each is read again and judged.
type Listing struct {
	userID string
	marker *AuditID // the last one of the page before; nil for the first page
	wrong  string   // a marker that is no audit id
	limit  int
	rows   []Row
	after  string // where the index goes on
	done   bool
	loads  int
}

// ListOf begins a page of at most limit of a user's live tokens. Marker is the last
// audit id of the page before, "" for the first page.
func ListOf(userID, marker string, limit int) *Listing {
	l := &Listing{userID: userID, limit: min(limit, PageSize)}
	if marker != "" {
		audit, err := ParseAuditID(marker)
		if err != nil {
			l.wrong = marker
		}
		l.marker = &audit
	}
	return l
}

// List is a pass: the page, and the marker of the next one, "" when there is none. It
// fails with NotFound when the user is not there, or the marker is no token of hers (C-062).
func (s *Service) List(rs *store.ReadSet, l *Listing) (live []Token, next string, err error) {
	if l.wrong != "" {
		return nil, "", problem.NotFound("token", l.wrong)
	}
	if l.loads == 0 {
		s.load(rs, l)
	}
	if l.marker != nil {
		rs.Want(store.Token(l.marker.Hex()))
	}
	user, err := directory.FindUser(rs, l.userID)
	if err != nil {
		return nil, "", err
	}
	if l.marker != nil {
		if _, err := rowOf(rs, l.userID, *l.marker); err != nil {
			return nil, "", err
		}
	}
	pending := false
	for _, row := range l.rows {
		if row.Epoch != user.Epoch {
			continue
		}
		t, err := s.again(rs, row)
		var d *directory.Dead
		switch {
		case err == nil:
			live = append(live, t)
		case errors.Is(err, store.ErrPending):
			pending = true
		case errors.As(err, &d):
		default:
			return nil, "", err
		}
	}
	switch {
	case pending:
		return nil, "", store.ErrPending
	case len(live) > l.limit:
		return live[:l.limit], live[l.limit-1].Audit.String(), nil
	case l.done:
		return live, "", nil
	case l.loads < maxLoads:
		s.load(rs, l)
		return nil, "", store.ErrPending
	default:
		return live, l.rows[len(l.rows)-1].Audit.String(), nil
	}
}

// load notes that more candidates are to be read: rows that are neither expired nor
// marked, neither of which is ever taken back.
func (s *Service) load(rs *store.ReadSet, l *Listing) {
	l.loads++
	r := store.Range{Index: store.Index1, PK: store.ByUser(l.userID), Limit: max(l.limit+1, PageSize), After: l.after}
	if l.marker != nil {
		r.From = l.marker.Hex() + "0" // right after it
	}
	if !store.User(l.userID).Storable() {
		l.done = true // nobody's id
		return
	}
	rs.WantLoad("tokens of "+l.userID, func(ctx context.Context) error {
		for want := len(l.rows) + l.limit + 1; len(l.rows) < want && !l.done; {
			page, err := s.table.Query(ctx, r)
			if err != nil {
				return fmt.Errorf("list tokens of user %s: %w", l.userID, err)
			}
			for _, e := range page.Entries {
				row, err := RowFrom(e.Item)
				if err != nil {
					return fmt.Errorf("row %s: %w", e.Key, err)
				}
				if !row.Dead && s.now().Before(row.ExpiresAt) {
					l.rows = append(l.rows, row)
				}
			}
			r.After, l.after, l.done = page.Next, page.Next, page.Next == ""
		}
		return nil
	})
}

// again is a pass: the token of a row that was seen in an index, as it is now.
func (s *Service) again(rs *store.ReadSet, seen Row) (Token, error) {
	if seen.Derived() {
		rs.Want(store.Token(seen.Root.Hex()))
	}
	row, err := rowOf(rs, seen.UserID, seen.Audit)
	if problem.Is(err, problem.KindNotFound) {
		return Token{}, dead("token %s has no row", seen.Audit)
	}
	if err != nil {
		return Token{}, err
	}
	return s.judge(rs, row, 0)
}

// rowOf is a pass: the row of one of a user's tokens, live or not; NotFound when there is
// none of hers with this audit id.
func rowOf(rs *store.ReadSet, userID string, audit AuditID) (Row, error) {
	i, err := rs.Get(store.Token(audit.Hex()))
	if err != nil {
		return Row{}, err
	}
	if i != nil {
		row, err := RowFrom(i)
		if err != nil {
			return Row{}, fmt.Errorf("row of token %s: %w", audit, err)
		}
		if row.Audit == audit && row.UserID == userID {
			return row, nil
		}
	}
	return Row{}, problem.NotFound("token", audit.String())
}

// Named is a pass: the live token of a user that has this audit id, as it stands on the
// wire; NotFound for anything else (T-126).
func (s *Service) Named(rs *store.ReadSet, userID, auditID string) (Token, error) {
	audit, err := ParseAuditID(auditID)
	if err != nil {
		return Token{}, problem.NotFound("token", auditID)
	}
	row, err := rowOf(rs, userID, audit)
	if err != nil {
		return Token{}, err
	}
	t, err := s.judge(rs, row, 0)
	var d *directory.Dead
	if errors.As(err, &d) {
		return Token{}, problem.NotFound("token", auditID).Because(d)
	}
	return t, err
}
