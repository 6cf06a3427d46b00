package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// nobody stands for a user that was not found, so that looking for her takes as many
// trips and as much hashing as looking for one who is there. It is no id that we make.
const nobody = "-"

// findings is what one login's reads showed, before anything was decided: passes run
// again and again, passwords are hashed once.
type findings struct {
	user    directory.User // by password
	userErr error          // *directory.Dead: unknown, disabled, in a disabled domain
	hash    string         // "" when she has none

	address, owner *watched // failures that stand against a login by password

	parent    Token // by token
	parentErr error

	delegated delegation // by signed request

	granted  Token // the scope and what stands in it, for the user above
	scopeErr error
}

// Issue makes a token. Everything that decides is read first, in one trip where ids are
// given; then proofs are checked; then one write creates the token's row and, for a
// limited trust, takes one of its uses.
//
// It fails with Unauthorized whatever was wrong with the proof or the scope (T-004,
// T-005, T-008, T-017), NotFound for a dead inner token (T-050), Forbidden for what a
// delegated or system token may not become (T-043 to T-047) and for trusts that are not the
// caller's or have been hollowed out (TR-092, TR-094, TR-098).
func (s *Service) Issue(ctx context.Context, rs *store.ReadSet, l Login) (Token, secret.Text, error) {
	f, err := s.look(ctx, rs, l)
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	t, err := s.decide(ctx, l, f)
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	return s.store(ctx, rs, t, l)
}

// look settles what a login needs. A user who still names a deleted group is taken out
// of it first: her earlier tokens end for good by that, and the new one may begin.
func (s *Service) look(ctx context.Context, rs *store.ReadSet, l Login) (f findings, err error) {
	for range maxGone {
		if err := rs.Settle(ctx, func() (err error) { f, err = s.find(rs, l); return err }); err != nil {
			return findings{}, err
		}
		var d *directory.Dead
		orphan := f.user.ID
		if !errors.As(f.userErr, &d) || !d.Orphaned {
			if orphan = f.delegated.user.ID; !errors.As(f.delegated.err, &d) || !d.Orphaned {
				return f, nil
			}
		}
		if err := s.groups.LeaveGone(ctx, rs, orphan); err != nil {
			return findings{}, fmt.Errorf("take user %s out of deleted groups: %w", orphan, err)
		}
		rs.Forget(store.User(orphan), store.Password(orphan), rs.Head())
	}
	return f, nil
}

// maxGone bounds how many deleted groups one login leaves behind; the cascade does the rest.
const maxGone = 4

// find is the pass that reads all that a login needs. Its own error is ErrPending or a
// failure of the service; what it found wrong with the login is in the findings.
func (s *Service) find(rs *store.ReadSet, l Login) (findings, error) {
	var f findings
	var subject directory.User
	for _, method := range l.Methods {
		switch method {
		case MethodPassword:
			f.user, f.hash, f.userErr = s.identify(rs, l.Password)
			subject = f.user
		case MethodToken:
			f.parent, f.parentErr = s.Examine(rs, l.Token, 0)
			subject = f.parent.Subject
		case MethodOAuth1:
			f.delegated = s.delegated(rs, l.OAuth1)
		}
	}
	if subject.ID == "" && !pending(f.userErr, f.parentErr) {
		subject.ID = nobody
	}
	if slices.Contains(l.Methods, MethodOAuth1) {
		f.granted, f.scopeErr = s.resolveDelegated(rs, f.delegated, l.Scope)
	} else {
		f.granted, f.scopeErr = s.resolve(rs, subject, l.Scope)
	}
	var watchErr error
	if slices.Contains(l.Methods, MethodPassword) {
		f.address, f.owner, watchErr = s.watch(rs, l, f.user.ID)
	}
	for _, err := range []error{f.userErr, f.parentErr, f.delegated.err, f.scopeErr, watchErr} {
		var d *directory.Dead
		if _, isProblem := problem.As(err); err != nil && !errors.As(err, &d) && !isProblem {
			return f, err
		}
	}
	return f, nil
}

func pending(errs ...error) bool {
	for _, err := range errs {
		if errors.Is(err, store.ErrPending) {
			return true
		}
	}
	return false
}

// identify is a pass: the user that a password is for, if she is live, and her hash.
func (s *Service) identify(rs *store.ReadSet, p PasswordProof) (directory.User, string, error) {
	id := p.UserID
	if p.Name != "" {
		var err error
		id, err = s.registry.InDomain(rs, p.Domain, "user", p.Name)
		if problem.Is(err, problem.KindNotFound) {
			id = nobody
		} else if err != nil {
			return directory.User{}, "", err
		}
	}
	rs.Want(store.User(id), store.Password(id), rs.Head())
	hash, err := directory.PasswordHash(rs, id)
	if err != nil {
		return directory.User{ID: id}, "", err
	}
	u, err := directory.LiveUser(rs, id)
	if u.ID == "" {
		u.ID = id
	}
	return u, hash, err
}

// resolve is a pass: the scope that is wanted, for a user, with the roles she has there.
func (s *Service) resolve(rs *store.ReadSet, u directory.User, w Wanted) (Token, error) {
	t := Token{Subject: u, User: u, Row: Row{UserID: u.ID, Scope: Scope{Kind: Unscoped}, Epoch: u.Epoch}}
	switch w.Kind {
	case WantUnscoped:
		return t, nil
	case WantDefault:
		return s.resolveDefault(rs, t)
	case WantProject:
		id := w.ID
		if w.Name != "" {
			var err error
			if id, err = s.registry.InDomain(rs, w.Domain, "project", w.Name); err != nil {
				return t, err
			}
		}
		t.Scope = Scope{Project, id}
	case WantDomain:
		id := w.ID
		if w.Name != "" {
			var err error
			if id, err = s.registry.DomainNamed(rs, w.Name); err != nil {
				return t, err
			}
		}
		t.Scope = Scope{Domain, id}
	case WantSystem:
		t.Scope = Scope{Kind: System}
	case WantTrust:
		return t, s.resolveTrust(rs, &t, w.ID)
	}
	if u.ID == "" { // not known yet: the scope's own items can already be wanted
		return t, s.wantScope(rs, t.Scope)
	}
	return t, s.fillScope(rs, &t)
}

// wantScope notes the items of a scope whose user is not known yet.
func (s *Service) wantScope(rs *store.ReadSet, scope Scope) error {
	switch scope.Kind {
	case Project:
		rs.Want(store.Project(scope.ID))
	case Domain:
		rs.Want(store.Domain(scope.ID))
	case System, Unscoped:
	}
	return store.ErrPending
}

// resolveDefault is a pass: the user's default project, or silently nothing (T-028, T-048).
func (s *Service) resolveDefault(rs *store.ReadSet, t Token) (Token, error) {
	if t.User.DefaultProjectID == "" {
		return t, nil
	}
	scoped := t
	scoped.Scope = Scope{Project, t.User.DefaultProjectID}
	err := s.fillScope(rs, &scoped)
	var d *directory.Dead
	if errors.As(err, &d) {
		return t, nil
	}
	return scoped, err
}

// resolveTrust is a pass: a trust that stands, is not used up, and is to this user.
func (s *Service) resolveTrust(rs *store.ReadSet, t *Token, id string) error {
	standing, err := s.trusts.Stand(rs, id)
	if err != nil {
		return err
	}
	if t.Subject.ID == "" {
		return store.ErrPending
	}
	if standing.TrusteeID != t.Subject.ID {
		return problem.ForbiddenBecause("the trust is to another user")
	}
	if standing.UsedUp() {
		return dead("trust %s is used up", id)
	}
	t.TrustID, t.TrustorEpoch = standing.ID, standing.Trustor.Epoch
	if standing.ProjectID != "" {
		t.Scope = Scope{Project, standing.ProjectID}
	}
	return s.fillTrust(rs, t, standing)
}

// decide checks the proofs against what was found and says what the new token is.
func (s *Service) decide(ctx context.Context, l Login, f findings) (Token, error) {
	t := f.granted
	var bound []time.Time
	var methods []string
	for _, method := range l.Methods {
		switch method {
		case MethodPassword:
			if err := s.prove(ctx, l, f); err != nil {
				return Token{}, err
			}
		case MethodToken:
			if err := s.checkParent(f, l.Scope); err != nil {
				return Token{}, err
			}
			if f.userErr == nil && f.user.ID != "" && f.user.ID != f.parent.Subject.ID {
				return Token{}, problem.Unauthorized(errors.New("password and token are of different users")) // T-051
			}
			t.Root, t.Epoch = f.parent.Chain(), f.parent.Epoch
			bound, methods = append(bound, f.parent.ExpiresAt), f.parent.Methods
		case MethodOAuth1:
			if err := checkDelegated(f); err != nil {
				return Token{}, err
			}
			bound = append(bound, f.delegated.access.ExpiresAt) // O-114
		}
	}
	if err := answer(f.scopeErr); err != nil {
		return Token{}, err
	}
	if l.Accept != nil {
		if err := l.Accept(t); err != nil {
			return Token{}, err
		}
	}
	if t.Trust != nil {
		bound = append(bound, t.Trust.ExpiresAt)
	}
	t.Methods = union(l.Methods, methods)
	t.IssuedAt = s.now().UTC()
	t.ExpiresAt = expiry(t.IssuedAt, s.settings.Life, bound...)
	return t, nil
}

// Prove checks the password of somebody who wants something else than a token: at the same
// cost as a login, within the same bounds, and counted as one (C-017, C-018). It returns her
// as she was when the password was hers.
func (s *Service) Prove(ctx context.Context, rs *store.ReadSet, p PasswordProof, address string) (directory.User, error) {
	l := Login{Methods: []string{MethodPassword}, Password: p, Scope: Wanted{Kind: WantUnscoped}, Address: address}
	f, err := s.look(ctx, rs, l)
	if err != nil {
		return directory.User{}, err
	}
	return f.user, s.prove(ctx, l, f)
}

func (s *Service) prove(ctx context.Context, l Login, f findings) error {
	if err := s.refuse(f.address); err != nil {
		return err
	}
	err := s.checkPassword(ctx, l.Password.Password, f)
	if problem.Is(err, problem.KindUnauthorized) {
		err = cmp.Or(s.failed(ctx, f.address, f.owner), err)
	}
	return err
}

// checkPassword takes equally long whatever is wrong.
func (s *Service) checkPassword(ctx context.Context, password secret.Text, f findings) error {
	if f.userErr == nil && s.locked(f) {
		f.userErr = dead("user %s is locked after too many failed logins", f.user.ID)
	}
	if f.userErr != nil || f.hash == "" {
		if err := s.hasher.Burn(ctx, password); err != nil {
			return err
		}
		if f.userErr == nil {
			return problem.Unauthorized(fmt.Errorf("user %s has no password", f.user.ID))
		}
		return problem.Unauthorized(f.userErr)
	}
	ok, rehash, err := s.hasher.Verify(ctx, f.hash, password)
	if err != nil {
		return fmt.Errorf("verify the password of user %s: %w", f.user.ID, err)
	}
	if !ok {
		return problem.Unauthorized(fmt.Errorf("wrong password of user %s", f.user.ID))
	}
	if rehash {
		return s.rehash(ctx, f.user, password)
	}
	return nil
}

// locked reports whether too many logins of the user have failed of late (C-017). The
// option that Keystone has for users who must not be locked out is heeded.
func (s *Service) locked(f findings) bool {
	return f.owner != nil && !f.owner.until(f.owner.seen, s.now()).IsZero() && !f.user.Option("ignore_lockout_failure_attempts")
}

// rehash replaces a hash brought along from Keystone. Losing against a change of the
// password is fine: that wrote a hash of today's kind itself.
func (s *Service) rehash(ctx context.Context, u directory.User, password secret.Text) error {
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("rehash the password of user %s: %w", u.ID, err)
	}
	err = s.table.Write(ctx, store.NewRequestID(), directory.Rehash(u.ID, u.PasswordVersion, hash))
	if _, refused := store.AsRefused(err); refused {
		return nil
	}
	return err
}

// checkParent says whether the inner token may be turned into another.
func (s *Service) checkParent(f findings, w Wanted) error {
	var d *directory.Dead
	if errors.As(f.parentErr, &d) {
		return &problem.Error{Kind: problem.KindNotFound, Message: "Could not find token.", Cause: d}
	}
	switch kind := f.parent.Scope.Kind; {
	case f.parent.Delegated():
		return problem.ForbiddenBecause("a delegated token makes no other token")
	case kind == System && (w.Kind == WantProject || w.Kind == WantDomain):
		return problem.ForbiddenBecause("a token for the system is not turned into one for a project or domain")
	case kind != Unscoped && !s.settings.AllowRescope:
		return problem.ForbiddenBecause("scoped tokens are not turned into others")
	default:
		return nil
	}
}

// answer turns what was found wrong with a scope into what the caller is told.
func answer(err error) error {
	var d *directory.Dead
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d) && d.Hollow:
		return problem.ForbiddenBecause("the trust cannot be used at present").Because(d)
	case errors.As(err, &d), problem.Is(err, problem.KindNotFound):
		return problem.Unauthorized(&Unusable{err})
	default:
		return err
	}
}

// attempts bounds how often a row is drawn again because another token has the same
// first 8 bytes of audit id. One in 2⁶⁴ per live token: twice never happens.
const attempts = 3

// store writes the token's row and, for a limited trust, takes one use in the same
// transaction: the row is the receipt. A signed request is used up in it too. When a trust or
// an access token was last used is noted there as well, once in an hour.
func (s *Service) store(ctx context.Context, rs *store.ReadSet, t Token, l Login) (Token, secret.Text, error) {
	hints, err := s.hints(rs, t)
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	var spend []store.Mutation
	if t.Trust != nil {
		if m, due := trust.Spend(t.Trust.Trust, s.now()); due {
			spend = append(spend, m)
		}
	}
	if t.Access != nil {
		if m, once := s.oauth1.Burn(l.OAuth1); once {
			spend = append(spend, m)
		}
		if m, due := s.oauth1.Use(*t.Access); due {
			spend = append(spend, m)
		}
	}
	for range attempts {
		text, audit, err := s.sealer.Mint(ctx, hints)
		if err != nil {
			return Token{}, secret.Text{}, fmt.Errorf("mint a token: %w", err)
		}
		t.Audit, t.Digest = audit, text.Digest()
		row := store.Create(store.Token(audit.Hex()), t.item(s.settings.Window)).Lasting() // it is marked, and expires
		err = s.table.Write(ctx, store.NewRequestID(), append(spend[:len(spend):len(spend)], row)...)
		if err == nil {
			return t, text, nil
		}
		refused, ok := store.AsRefused(err)
		if !ok {
			return Token{}, secret.Text{}, fmt.Errorf("store token %s: %w", audit, err)
		}
		if t.Access != nil && s.oauth1.Replayed(l.OAuth1, refused) {
			return Token{}, secret.Text{}, problem.Unauthorized(errors.New("the signed request was sent before"))
		}
		if refused.Index < len(spend) {
			return Token{}, secret.Text{}, problem.Unauthorized(&Unusable{fmt.Errorf("%s was used up or deleted meanwhile", refused.Key)})
		}
	}
	return Token{}, secret.Text{}, errors.New("store a token: its audit id is taken, again and again")
}

// hints are the keys that the token's validation will want.
func (s *Service) hints(rs *store.ReadSet, t Token) (Hints, error) {
	h := Hints{Kind: hintKinds[t.Scope.Kind], UserID: t.UserID, ScopeID: t.Scope.ID, AccessTokenID: t.AccessID, ConsumerID: t.ConsumerID}
	if t.Derived() {
		h.RootAudit = t.Root.Hex()[:16]
	}
	if t.Trust != nil {
		h.OtherUserID, h.BetweenIDs = t.Trust.TrustorID, t.Trust.Between
		h.TrustIDs = append(h.TrustIDs, t.TrustID[:16])
		for i := len(t.Trust.Ancestors) - 1; i >= 0; i-- {
			h.TrustIDs = append(h.TrustIDs, t.Trust.Ancestors[i][:16])
		}
	}
	target, scoped := t.Scope.Target()
	if !scoped {
		return h, nil
	}
	whose := t.User
	if t.Trust != nil {
		whose = t.Trust.Trustor
	}
	var err error
	h.GroupIDs, h.InheritedFrom, err = directory.Hints(rs, whose, target)
	if err != nil {
		return Hints{}, fmt.Errorf("hints of a token: %w", err)
	}
	return h, nil
}

var hintKinds = map[ScopeKind]Kind{Unscoped: KindUnscoped, Project: KindProject, Domain: KindDomain, System: KindSystem}
