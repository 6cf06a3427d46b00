package token

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// neighbour has the same key in the table: that has 8 of the 16 bytes.
func neighbour(a AuditID) AuditID {
	a[len(a)-1] ^= 1
	return a
}

// TestExamineBelievesTheRowOfTheTokenAlone expects the finding that the row is another's. The
// row has expired, so that one that is believed shows as that.
func TestExamineBelievesTheRowOfTheTokenAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Row)
		want directory.Reason
	}{
		{"its own", func(*Row) {}, directory.Expired},
		{"of a neighbour", func(r *Row) { r.Audit = neighbour(r.Audit) }, directory.Mismatch},
		{"of another text", func(r *Row) { r.Digest[31] ^= 1 }, directory.Mismatch},
		{"of a neighbour and another text", func(r *Row) { r.Audit, r.Digest[0] = neighbour(r.Audit), r.Digest[0]^1 }, directory.Mismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newTable(t)
			s := New(Options{Table: table, Sealer: newSealer(t, table), Now: time.Now})
			text, audit, err := s.sealer.Mint(t.Context(), Hints{UserID: id("a", 32)})
			require.NoError(t, err)
			row := Row{Audit: audit, Digest: text.Digest(), UserID: id("a", 32), Scope: Scope{Kind: Unscoped}, Methods: []string{MethodPassword}}
			row.ExpiresAt = time.Now().Add(-time.Second)
			c.edit(&row)
			require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(store.Token(audit.Hex()), row.item(time.Hour))))
			rs := store.NewReadSet(table)
			err = rs.Settle(t.Context(), func() error { _, err := s.Examine(rs, text, 0); return err })
			d, ok := errors.AsType[*directory.Dead](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.want, d.Reason)
		})
	}
}

// TestJudge looks at one token of a user with one thing about it that kills, or does not.
func TestJudge(t *testing.T) {
	own, root, morning := numbered(1, 1), numbered(1, 2), time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		row  func(*Row)
		root func(*Row) // of the login that it was derived from; nil: it is a login itself
		want directory.Reason
	}{
		{"nothing", func(*Row) {}, nil, ""},
		{"T-119 revoked", func(r *Row) { r.Dead = true }, nil, directory.Revoked},
		{"T-076 revoked with its chain", func(r *Row) { r.Dead, r.ChainDead = true, true }, nil, directory.Revoked},
		{"its chain alone", func(r *Row) { r.ChainDead = true }, nil, directory.Revoked},
		{"expired", func(r *Row) { r.ExpiresAt = morning }, nil, directory.Expired},
		{"expires in a moment", func(r *Row) { r.ExpiresAt = morning.Add(time.Second) }, nil, ""},
		{"an epoch ago", func(r *Row) { r.Epoch-- }, nil, directory.EpochMoved},
		{"an epoch ahead", func(r *Row) { r.Epoch++ }, nil, directory.EpochMoved},
		{"nobody's", func(r *Row) { r.UserID = id("f", 32) }, nil, directory.Absent},
		{"derived", func(*Row) {}, func(*Row) {}, ""},
		{"T-076 its login was revoked with its chain", func(*Row) {}, func(r *Row) { r.Dead, r.ChainDead = true, true }, directory.ChainRevoked},
		{"T-119 its login was revoked alone", func(*Row) {}, func(r *Row) { r.Dead = true }, ""},
		{"its login has no row", func(*Row) {}, func(r *Row) { r.Audit = numbered(1, 3) }, directory.Absent},
		{"a neighbour has its login's row", func(*Row) {}, func(r *Row) { r.Audit = neighbour(root) }, directory.Absent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, user := listed(t)
			s.now = func() time.Time { return morning }
			row := Row{Audit: own, UserID: user.ID, Epoch: user.Epoch, Scope: Scope{Kind: Unscoped}, ExpiresAt: morning.Add(time.Hour)}
			if c.root != nil {
				row.Root = root
				above := Row{Audit: root, UserID: user.ID, Scope: Scope{Kind: Unscoped}, Methods: []string{MethodPassword}, ExpiresAt: row.ExpiresAt}
				c.root(&above)
				i := above.item(time.Hour)
				if above.Dead {
					i[AttrDead] = true
				}
				if above.ChainDead {
					i[AttrChainDead] = true
				}
				s.put(t, store.Create(store.Token(above.Audit.Hex()), i))
			}
			c.row(&row)
			rs := store.NewReadSet(s.table)
			err := rs.Settle(t.Context(), func() error { _, err := s.judge(rs, row, 0); return err })
			d, dead := errors.AsType[*directory.Dead](err)
			require.Equal(t, c.want != "", dead, "%v", err)
			if dead {
				assert.Equal(t, c.want, d.Reason)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// TestRevokeMarksTheRowOfTheTokenAlone ends tokens by rows that are there, are another's, or
// are not there at all.
func TestRevokeMarksTheRowOfTheTokenAlone(t *testing.T) {
	own := AuditID{1, 2, 3}
	for _, c := range []struct {
		name        string
		row         *Row
		token       Row
		alone       bool
		dead, chain bool // how the row is marked then
		refused     bool
	}{
		{"T-076 a root with its chain", &Row{Audit: own}, Row{Audit: own}, false, true, true, false},
		{"T-119 a root alone", &Row{Audit: own}, Row{Audit: own}, true, true, false, false},
		{"T-076 a derived one", &Row{Audit: own, Root: AuditID{9}}, Row{Audit: own, Root: AuditID{9}}, false, true, false, false},
		{"a neighbour's", &Row{Audit: neighbour(own)}, Row{Audit: own}, false, false, false, true},
		{"none", nil, Row{Audit: own}, false, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newTable(t)
			s := New(Options{Table: table, Now: time.Now})
			at := store.Token(own.Hex())
			if c.row != nil {
				c.row.UserID, c.row.Methods, c.row.ExpiresAt = "ada", []string{MethodPassword}, time.Now().Add(time.Hour)
				require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(at, c.row.item(0)).Lasting()))
			}
			err := s.Revoke(t.Context(), Token{Row: c.token}, c.alone)
			assert.Equal(t, c.refused, problem.Is(err, problem.KindNotFound), "%v", err)
			items, err := table.Read(t.Context(), at)
			require.NoError(t, err)
			assert.Equal(t, c.row != nil, items[at] != nil)
			assert.Equal(t, c.dead, items[at].Bool(AttrDead))
			assert.Equal(t, c.chain, items[at].Bool(AttrChainDead))
			if c.dead {
				err = s.Revoke(t.Context(), Token{Row: c.token}, c.alone)
				assert.True(t, problem.Is(err, problem.KindNotFound), "once: %v", err)
			}
		})
	}
}

// TestDelegatedProofIsOfTheSameUser combines a signed request with the other proofs.
func TestDelegatedProofIsOfTheSameUser(t *testing.T) {
	for _, c := range []struct {
		name             string
		password, parent string // whose the other proofs are; "": not given
		good             bool
	}{
		{"alone", "", "", true},
		{"her password", "ada", "", true},
		{"her token", "", "ada", true},
		{"both hers", "ada", "ada", true},
		{"another's password", "bob", "", false},
		{"another's token", "", "bob", false},
		{"her password, another's token", "ada", "bob", false},
		{"another's password, her token", "bob", "ada", false},
		{"both another's", "bob", "bob", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := findings{delegated: delegation{access: oauth1.AccessToken{UserID: "ada"}}}
			f.user.ID, f.parent.Subject.ID = c.password, c.parent
			err := checkDelegated(f)
			if c.good {
				require.NoError(t, err)
				return
			}
			require.True(t, problem.Is(err, problem.KindUnauthorized), "%v", err)
		})
	}
}

// TestCheckParent says what an inner token may become.
func TestCheckParent(t *testing.T) {
	kinds := []WantedKind{WantDefault, WantUnscoped, WantProject, WantDomain, WantSystem, WantTrust}
	for _, from := range []ScopeKind{Unscoped, Project, Domain, System} {
		for _, rescope := range []bool{true, false} {
			for _, to := range kinds {
				var f findings
				f.parent.Scope.Kind, f.parent.Methods = from, []string{MethodPassword}
				s := New(Options{Settings: Settings{AllowRescope: rescope}})
				below := from == System && (to == WantProject || to == WantDomain)
				err := s.checkParent(f, Wanted{Kind: to})
				if from == Unscoped || rescope && !below {
					assert.NoError(t, err, "T-047 %s to %d, allowed: %t", from, to, rescope)
				} else {
					assert.True(t, problem.Is(err, problem.KindForbidden), "T-047 %s to %d, allowed: %t: %v", from, to, rescope, err)
				}
			}
		}
	}
}
