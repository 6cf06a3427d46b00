package token

import (
	"errors"
	"fmt"
	"time"

	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// dead is a finding of which no item that a validation reads says more.
func dead(format string, a ...any) error {
	return &directory.Dead{Why: fmt.Sprintf(format, a...)}
}

// Caller is a pass: who calls with this bearer token; Unauthorized unless it is live.
func (s *Service) Caller(rs *store.ReadSet, bearer secret.Text) (policy.Caller, error) {
	t, err := s.Examine(rs, bearer, 0)
	var d *directory.Dead
	if errors.As(err, &d) {
		return policy.Caller{}, problem.Unauthorized(d)
	}
	if err != nil {
		return policy.Caller{}, err
	}
	return t.Caller(), nil
}

// Subject is a pass: the token named in X-Subject-Token; NotFound unless it is live.
// Grace lets a token pass that expired less than that ago (allow_expired).
func (s *Service) Subject(rs *store.ReadSet, text secret.Text, grace time.Duration) (Token, error) {
	t, err := s.Examine(rs, text, grace)
	var d *directory.Dead
	if errors.As(err, &d) {
		return Token{}, &problem.Error{Kind: problem.KindNotFound, Message: "Could not find token.", Cause: d}
	}
	return t, err
}

// Examine is a pass: the token, if it is live now; *directory.Dead says why it is not.
func (s *Service) Examine(rs *store.ReadSet, text secret.Text, grace time.Duration) (Token, error) {
	return store.Decide(rs, examined{text.Reveal(), grace}, func() (Token, error) { return s.examine(rs, text, grace) })
}

type examined struct {
	text  string
	grace time.Duration
}

// opened is what a token's text says.
type opened struct {
	hints Hints
	audit AuditID
}

// open is a pass: what a token's text says; it is opened once in a request.
func (s *Service) open(rs *store.ReadSet, text secret.Text) (opened, error) {
	return store.Remember(rs, text.Reveal(), func() (o opened, err error) {
		o.hints, o.audit, err = s.sealer.Open(rs, text)
		return o, err
	})
}

func (s *Service) examine(rs *store.ReadSet, text secret.Text, grace time.Duration) (Token, error) {
	o, err := s.open(rs, text)
	hints, audit := o.hints, o.audit
	if errors.Is(err, ErrNotAToken) {
		return Token{}, directory.End(store.Key{}, directory.Unreadable, "not a token of this deployment")
	}
	if err != nil {
		return Token{}, err
	}
	want(rs, hints, audit)
	at := store.Token(audit.Hex())
	i, err := rs.Get(at)
	if err != nil {
		return Token{}, err
	}
	if i == nil {
		return Token{}, directory.End(at, directory.Absent, "token %s has no row", audit)
	}
	row, err := RowFrom(i)
	if err != nil {
		return Token{}, fmt.Errorf("row of token %s: %w", audit, err)
	}
	// The digest covers every hint, so that a sealing key alone makes no token.
	if row.Audit != audit || !row.Digest.Equal(text.Digest()) {
		return Token{}, directory.End(at, directory.Mismatch, "token %s is not the one of its row", audit)
	}
	return s.judge(rs, row, grace)
}

// want notes what the hints suggest for the first trip.
func want(rs *store.ReadSet, h Hints, audit AuditID) {
	rs.Want(store.Token(audit.Hex()), rs.Head())
	if h.RootAudit != "" {
		rs.Want(store.Token(h.RootAudit))
	}
	if h.UserID == "" {
		return
	}
	rs.Want(store.User(h.UserID))
	if h.AccessTokenID != "" {
		rs.Want(store.AccessToken(h.AccessTokenID), store.Consumer(h.ConsumerID))
	}
	actor := store.UserActor(h.UserID)
	var target store.Target
	switch h.Kind {
	case KindProject:
		target = store.OnProject(h.ScopeID)
		rs.Want(store.Project(h.ScopeID))
	case KindDomain:
		target = store.OnDomain(h.ScopeID)
		rs.Want(store.Domain(h.ScopeID))
	case KindSystem:
		target = store.OnSystem()
	default:
	}
	if len(h.TrustIDs) > 0 {
		actor = store.UserActor(h.OtherUserID)
		trust.Want(rs, h.OtherUserID, h.UserID, h.ScopeID, h.TrustIDs...)
		for _, id := range h.BetweenIDs {
			rs.Want(store.User(id))
		}
	} else if h.Kind != KindUnscoped {
		rs.Want(store.Grant(actor, target))
	}
	if h.Kind == KindUnscoped {
		return
	}
	for _, g := range h.GroupIDs {
		rs.Want(store.Grant(store.GroupActor(g), target))
	}
	for _, t := range h.InheritedFrom {
		if !t.Inherited {
			rs.Want(store.Grant(actor, t.Below()))
			continue
		}
		for _, g := range h.GroupIDs {
			rs.Want(store.Grant(store.GroupActor(g), t.Below()))
		}
	}
}

// judge is the pass that decides whether a row's token is live. The order of its checks
// is of no meaning to callers, who learn only that it is not.
func (s *Service) judge(rs *store.ReadSet, row Row, grace time.Duration) (Token, error) {
	if row.Dead || row.ChainDead {
		return Token{}, directory.End(store.Token(row.Audit.Hex()), directory.Revoked, "token %s was revoked", row.Audit)
	}
	if now := s.now(); !now.Before(row.ExpiresAt.Add(grace)) {
		return Token{}, directory.End(store.Token(row.Audit.Hex()), directory.Expired, "token %s expired", row.Audit)
	}
	if err := rootLives(rs, row); err != nil {
		return Token{}, err
	}
	if row.TrustID != "" {
		return s.judgeTrusted(rs, row)
	}
	if row.AccessID != "" {
		return s.judgeDelegated(rs, row)
	}
	t := Token{Row: row}
	var err error
	if t.Subject, err = s.liveSubject(rs, row); err != nil {
		return Token{}, err
	}
	t.User = t.Subject
	return t, s.fillScope(rs, &t)
}

// liveSubject is a pass: who authenticated, if nothing ended her tokens since.
func (s *Service) liveSubject(rs *store.ReadSet, row Row) (directory.User, error) {
	u, err := directory.LiveUser(rs, row.UserID)
	if err != nil {
		return u, err
	}
	if u.Epoch != row.Epoch {
		return u, moved(row.UserID, row)
	}
	return u, nil
}

// moved is the finding that a user's epoch is not the one that a row has.
func moved(userID string, row Row) error {
	return directory.End(store.User(userID), directory.EpochMoved,
		"user %s of token %s changed her password, was disabled, left a group or ended her tokens", userID, row.Audit)
}

// rootLives is a pass: nil unless the login that the token's chain started with was
// revoked together with its chain. A root revoked alone leaves its chain alive (T-119).
func rootLives(rs *store.ReadSet, row Row) error {
	if !row.Derived() {
		return nil
	}
	at := store.Token(row.Root.Hex())
	i, err := rs.Get(at)
	if err != nil {
		return err
	}
	if i == nil || i.Str(attrAudit) != row.Root.Hex() {
		return directory.End(at, directory.Absent, "root %s of token %s has no row", row.Root, row.Audit)
	}
	if i.Bool(AttrChainDead) {
		return directory.End(at, directory.ChainRevoked, "root %s of token %s was revoked", row.Root, row.Audit)
	}
	return nil
}

// fillScope is a pass: what the token's scope stands on, and the roles held there now.
func (s *Service) fillScope(rs *store.ReadSet, t *Token) error {
	target, scoped := t.Scope.Target()
	if !scoped {
		return nil
	}
	held, rolesErr := s.registry.Held(rs, t.User, target)
	if rolesErr != nil && !errors.Is(rolesErr, store.ErrPending) {
		return rolesErr
	}
	var err error
	switch t.Scope.Kind {
	case Project:
		t.Project, err = directory.LiveProject(rs, t.Scope.ID)
	case Domain:
		t.Domain, err = directory.LiveDomain(rs, t.Scope.ID)
	case System, Unscoped:
	}
	if err != nil {
		return err
	}
	if rolesErr != nil {
		return rolesErr
	}
	if len(held.Roles) == 0 {
		at, reason := held.Lack()
		return directory.End(at, reason, "user %s holds no role on %s %s", t.User.ID, t.Scope.Kind, t.Scope.ID)
	}
	return s.showRoles(rs, t, held.Roles)
}

func (s *Service) showRoles(rs *store.ReadSet, t *Token, ids store.Set) error {
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return err
	}
	t.RoleIDs, t.Roles = ids, roles.Visible(ids)
	return nil
}

// judgeTrusted is the pass for trust-scoped tokens: the trust, everybody and everything
// it stands on, and the epochs of both its people.
func (s *Service) judgeTrusted(rs *store.ReadSet, row Row) (Token, error) {
	standing, err := s.trusts.Stand(rs, row.TrustID)
	if err != nil {
		return Token{}, err
	}
	if standing.Trustee.ID != row.UserID {
		return Token{}, directory.End(store.Trust(row.TrustID), directory.Mismatch, "trust %s is not to user %s", row.TrustID, row.UserID)
	}
	if standing.Trustee.Epoch != row.Epoch || standing.Trustor.Epoch != row.TrustorEpoch {
		who := standing.Trustor
		if standing.Trustee.Epoch != row.Epoch {
			who = standing.Trustee
		}
		return Token{}, moved(who.ID, row)
	}
	t := Token{Row: row}
	return t, s.fillTrust(rs, &t, standing)
}

// fillTrust is a pass: what a token of a standing trust carries.
func (s *Service) fillTrust(rs *store.ReadSet, t *Token, standing trust.Standing) error {
	t.Trust, t.Subject, t.User, t.Project = &standing, standing.Trustee, standing.Trustee, standing.Project
	if standing.Impersonation {
		t.User = standing.Trustor
	}
	if standing.ProjectID == "" {
		return nil
	}
	return s.showRoles(rs, t, standing.Roles)
}
