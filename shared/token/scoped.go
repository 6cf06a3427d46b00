package token

import "mandate/shared/store"

// Scoped is a pass: what a token for another scope would say that was obtained from this one
// now; *directory.Dead when there would be none. It issues nothing: it is for those who act
// within several scopes during one session, and are judged in each as if they had changed.
func (s *Service) Scoped(rs *store.ReadSet, t Token, to Scope) (Token, error) {
	if t.Delegated() || t.Scope.Kind == System {
		return Token{}, dead("token %s is not turned into another", t.Audit)
	}
	as := Token{Row: t.Row, Subject: t.Subject, User: t.User}
	as.Scope = to
	return as, s.fillScope(rs, &as)
}
