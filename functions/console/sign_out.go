package console

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

// signOut ends the session's token, and with it the session, wherever its cookie may be.
func signOut(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "SignOut", Action: "identity:revoke_token"}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		in, err := s.session(ctx, c, toDelegations)
		if err != nil {
			return nil, err
		}
		if _, err := in.form(c); err != nil {
			return nil, err
		}
		if err := c.Authorize(policy.Token{SubjectID: in.token.UserID}); err != nil {
			return nil, err
		}
		if err := s.Tokens.Revoke(ctx, in.token, false); err != nil && !problem.Is(err, problem.KindNotFound) {
			return nil, err
		}
		c.Header.Add("Set-Cookie", cookie(c, sessionCookie, ""))
		return c.SeeOther(home(c) + toSignIn + "?" + signedOut), nil
	})
}
