package console

import (
	"context"
	"strconv"
	"strings"

	"mandate/shared/api"
	"mandate/shared/policy"
)

type delegationsView struct {
	frame
	Grants   []grant
	Programs bool // whether access tokens are among them
	Action   string
	Notice   string
}

// showDelegations lists what the user has granted.
func showDelegations(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "ShowDelegations"}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		in, err := s.session(ctx, c, toDelegations)
		if err != nil {
			return nil, err
		}
		v := delegationsView{frame: in.within(s.frame(c, "What you have granted")), Action: home(c) + toDelegations}
		if v.Grants, err = s.grants(ctx, c); err != nil {
			return nil, err
		}
		v.Programs = c.May("identity:show_granted_access_tokens", policy.User{ID: c.Caller.UserID})
		v.Notice = in.revoked(c.Request.URL.Query().Get("revoked"))
		return render("delegations", v)
	})
}

// receipt is what the address says after a revocation: how many grants ended. It is bound
// to the session, so that no link makes the page say what was not done.
func (in session) receipt(n int) string {
	count := strconv.Itoa(n)
	return count + "." + mac(in.text, "revoked "+count)
}

func (in session) revoked(receipt string) string {
	count, proof, _ := strings.Cut(receipt, ".")
	if !genuine(proof, in.text, "revoked "+count) {
		return ""
	}
	switch count {
	case "0":
		return "That had ended already."
	case "1":
		return "Revoked. Every token obtained with it is dead."
	default:
		return count + " grants revoked. Every token obtained with them is dead."
	}
}
