package token

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Revoked is a token that was revoked before its time.
type Revoked struct {
	Audit     AuditID
	Derived   bool      // from another token
	At        time.Time // when it was revoked
	ExpiresAt time.Time
}

// WasRevoked reports whether a change marked a token as dead.
func WasRevoked(c store.Change) (Revoked, bool) {
	if c.New == nil || !c.New.Bool(AttrDead) || c.Old.Bool(AttrDead) {
		return Revoked{}, false
	}
	row, err := RowFrom(c.New)
	if err != nil || c.Key != store.Token(row.Audit.Hex()) {
		return Revoked{}, false
	}
	return revokedFrom(row, c.New), true
}

func revokedFrom(row Row, i store.Item) Revoked {
	return Revoked{Audit: row.Audit, Derived: row.Derived(), At: time.UnixMicro(i.Int(AttrRevokedAt)).UTC(), ExpiresAt: row.ExpiresAt}
}

func (r Revoked) key() store.Key { return store.Revoked(r.At.UnixMicro(), r.Audit.Hex()) }

// Entry is the mutation that puts a revoked token on the list. It can be repeated, and
// the table takes the entry away when the token would have expired.
func (r Revoked) Entry() store.Mutation {
	return store.Upsert(r.key()).Set(store.AttrType, "revoked").Set(attrRevoked, r.Audit.Hex()).
		Set(AttrRevokedAt, r.At.UnixMicro()).Set(attrExpires, r.ExpiresAt.Unix()).Set(store.AttrTTL, r.ExpiresAt.Unix()).
		Lasting()
}

// attrRevoked is not the attribute audit, which belongs to the indexes.
const attrRevoked = "token"

// RevokedListing is one page of the list of revoked tokens while it is being read.
type RevokedListing struct {
	marker string
	limit  int
	parts  [][]Revoked
	read   bool
}

// ListRevoked begins a page of at most limit revoked tokens. Marker is the last audit id
// of the page before, "" for the first page.
func ListRevoked(marker string, limit int) *RevokedListing {
	return &RevokedListing{marker: marker, limit: min(limit, PageSize)}
}

// Revoked is a pass: tokens that were revoked and have not expired yet, newest first, and
// the marker of the next page, "" when there is none. The list follows revocations with
// the table's stream; what decides about a token is its row. It fails with NotFound when
// the marker is no revoked token (C-062).
func (s *Service) Revoked(rs *store.ReadSet, l *RevokedListing) (list []Revoked, next string, err error) {
	upTo := "" // the sort key of the marker
	if l.marker != "" {
		if upTo, err = after(rs, l.marker); err != nil {
			return nil, "", err
		}
	}
	if !l.read {
		s.loadRevoked(rs, l, upTo)
		return nil, "", store.ErrPending
	}
	list = slices.SortedFunc(slices.Values(slices.Concat(l.parts...)), func(a, b Revoked) int { return cmp.Compare(b.key().SK, a.key().SK) })
	if len(list) > l.limit {
		list = list[:l.limit]
		next = list[l.limit-1].Audit.String()
	}
	return list, next, nil
}

// after is a pass: the place of a revoked token in the list.
func after(rs *store.ReadSet, marker string) (string, error) {
	audit, err := ParseAuditID(marker)
	if err != nil {
		return "", problem.NotFound("token", marker)
	}
	i, err := rs.Get(store.Token(audit.Hex()))
	if err != nil {
		return "", err
	}
	if i == nil || i.Str(attrAudit) != audit.Hex() || !i.Bool(AttrDead) {
		return "", problem.NotFound("token", marker)
	}
	row, err := RowFrom(i)
	return revokedFrom(row, i).key().SK, err
}

// loadRevoked notes that every part of the list is to be read, newest first, side by
// side. Nothing that was revoked longer ago than a token lives is looked at: it expired,
// unless the setting was shortened in the meantime.
func (s *Service) loadRevoked(rs *store.ReadSet, l *RevokedListing, upTo string) {
	l.parts = make([][]Revoked, store.RevokedLists)
	oldest := store.Revoked(s.now().Add(-s.settings.Life).UnixMicro(), "0").SK
	for n := range l.parts {
		key := store.Revoked(0, fmt.Sprintf("%x", n))
		r := store.Range{PK: key.PK, From: oldest, To: upTo, Descending: true, Limit: l.limit + 2}
		rs.WantLoad("revoked tokens of "+key.PK, func(ctx context.Context) error {
			for len(l.parts[n]) <= l.limit {
				page, err := s.table.Query(ctx, r)
				if err != nil {
					return fmt.Errorf("list revoked tokens: %w", err)
				}
				for _, e := range page.Entries {
					expires := time.Unix(e.Item.Int(attrExpires), 0).UTC()
					audit, err := auditFromHex(e.Item.Str(attrRevoked))
					if err != nil {
						return fmt.Errorf("entry %s: %w", e.Key, err)
					}
					if e.Key.SK != upTo && s.now().Before(expires) {
						l.parts[n] = append(l.parts[n], Revoked{Audit: audit, At: time.UnixMicro(e.Item.Int(AttrRevokedAt)).UTC(), ExpiresAt: expires})
					}
				}
				if page.Next == "" {
					return nil
				}
				r.After = page.Next
			}
			return nil
		})
	}
	rs.WantLoad("revoked tokens", func(context.Context) error { l.read = true; return nil })
}
