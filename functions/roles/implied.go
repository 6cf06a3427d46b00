package roles

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

// brief is a role within an implication.
type brief struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Links api.SelfLink `json:"links"`
}

func short(c *api.Call, r directory.Role) brief {
	return brief{r.ID, r.Name, api.SelfLink{Self: c.Link("roles", r.ID)}}
}

type inferenceBody struct {
	RoleInference struct {
		PriorRole brief `json:"prior_role"`
		Implies   brief `json:"implies"`
	} `json:"role_inference"`
	Links api.SelfLink `json:"links"`
}

// inference is one role with all that it implies directly.
type inference struct {
	PriorRole brief   `json:"prior_role"`
	Implies   []brief `json:"implies"`
}

type pair struct {
	Prior   string `path:"prior_role_id"`
	Implied string `path:"implied_role_id"`
}

// authorize finds both roles after policy was asked.
func (in pair) authorize(ctx context.Context, c *api.Call, g *directory.Registry) (prior, implied directory.Role, err error) {
	err = c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
		if prior, err = g.FindRole(c.Reads, in.Prior); err == nil {
			implied, err = g.FindRole(c.Reads, in.Implied)
		}
		return policy.Role{Name: prior.Name, DomainID: prior.DomainID}, err
	})
	return prior, implied, err
}

func (in pair) show(c *api.Call, prior, implied directory.Role) (b inferenceBody) {
	b.RoleInference.PriorRole, b.RoleInference.Implies = short(c, prior), short(c, implied)
	b.Links = api.SelfLink{Self: c.Link("roles", in.Prior, "implies", in.Implied)}
	return b
}

// imply makes a role carry another (D-116).
func imply(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[pair]{Name: "CreateImpliedRole", Action: "identity:create_implied_role", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in pair) (inferenceBody, error) {
			prior, implied, err := in.authorize(ctx, c, g)
			if err != nil {
				return inferenceBody{}, err
			}
			return in.show(c, prior, implied), d.Imply(ctx, c.Reads, in.Prior, in.Implied)
		})
}

func (in pair) find(ctx context.Context, c *api.Call, g *directory.Registry) (inferenceBody, error) {
	prior, implied, err := in.authorize(ctx, c, g)
	if err == nil && !prior.Implies.Has(in.Implied) {
		err = problem.NotFound("implication of role "+in.Prior, in.Implied)
	}
	return in.show(c, prior, implied), err
}

func getImplied(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[pair]{Name: "GetImpliedRole", Action: "identity:get_implied_role"},
		func(ctx context.Context, c *api.Call, in pair) (inferenceBody, error) { return in.find(ctx, c, g) })
}

// checkImplied answers HEAD, which is 204 although GET is 200 (D-118b).
func checkImplied(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[pair]{Name: "CheckImpliedRole", Action: "identity:check_implied_role", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in pair) (api.NoBody, error) {
			_, err := in.find(ctx, c, g)
			return api.NoBody{}, err
		})
}

func unimply(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[pair]{Name: "DeleteImpliedRole", Action: "identity:delete_implied_role", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in pair) (api.NoBody, error) {
			if _, err := in.find(ctx, c, g); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Unimply(ctx, c.Reads, in.Prior, in.Implied)
		})
}

type impliedBody struct {
	RoleInference inference    `json:"role_inference"`
	Links         api.SelfLink `json:"links"`
}

type byPrior struct {
	Prior string `path:"prior_role_id"`
}

// listImplied lists what a role implies directly (D-119).
func listImplied(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byPrior]{Name: "ListImpliedRoles", Action: "identity:list_implied_roles"},
		func(ctx context.Context, c *api.Call, in byPrior) (impliedBody, error) {
			var prior directory.Role
			err := c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
				prior, err = g.FindRole(c.Reads, in.Prior)
				return policy.Role{Name: prior.Name, DomainID: prior.DomainID}, err
			})
			if err != nil {
				return impliedBody{}, err
			}
			all, err := settle(ctx, c, g)
			if err != nil {
				return impliedBody{}, err
			}
			return impliedBody{infer(c, all, prior), api.SelfLink{Self: c.Self()}}, nil
		})
}

func infer(c *api.Call, all *directory.Roles, prior directory.Role) inference {
	i := inference{PriorRole: short(c, prior), Implies: []brief{}}
	for _, id := range prior.Implies {
		if r, ok := all.Get(id); ok {
			i.Implies = append(i.Implies, short(c, r))
		}
	}
	return i
}

type inferencesBody struct {
	RoleInferences []inference  `json:"role_inferences"`
	Links          api.SelfLink `json:"links"`
}

// listInferences lists every role that implies others (D-120).
func listInferences(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "ListRoleInferenceRules", Action: "identity:list_role_inference_rules"},
		func(ctx context.Context, c *api.Call, _ struct{}) (inferencesBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return inferencesBody{}, err
			}
			all, err := settle(ctx, c, g)
			if err != nil {
				return inferencesBody{}, err
			}
			b := inferencesBody{RoleInferences: []inference{}, Links: api.SelfLink{Self: c.Self()}}
			for _, prior := range all.All() {
				if i := infer(c, all, prior); len(i.Implies) > 0 {
					b.RoleInferences = append(b.RoleInferences, i)
				}
			}
			return b, nil
		})
}
