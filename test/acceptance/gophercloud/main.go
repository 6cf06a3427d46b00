// Command gophercloud walks through delegation and the directory with gophercloud, the Go
// client behind Terraform's provider and many controllers, against any server of the Identity API:
//
//	source .mandate/openrc && go run .
//
// It reads OS_* of an administrator, makes two users, a project and a role, and has the
// first delegate the role to the second: with impersonation and without. It creates,
// gets, lists and deletes trusts, lists and checks their roles, and gets tokens by them. Then every
// resource of the directory is created, shown, listed, changed and deleted. What it
// makes it also deletes. The first step that is not as expected ends it with exit code 1.
//
// It is a module of its own, so that the service does not depend on its clients.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/trusts"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gophercloud:", err)
		os.Exit(1)
	}
}

// world is what the administrator made.
type world struct {
	admin            *gophercloud.ServiceClient
	domain           string
	project, role    string
	trustor, trustee string // ids
	password         string // of both
	undo             []func(context.Context) error
}

func run(ctx context.Context) (err error) {
	w, err := setUp(ctx)
	defer func() { err = errors.Join(err, w.tearDown(ctx)) }()
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"a trust that impersonates", func(ctx context.Context) error { return w.delegate(ctx, true) }},
		{"a trust that does not", func(ctx context.Context) error { return w.delegate(ctx, false) }},
		{"what is refused", w.refused},
		{"domains, users, groups, memberships", w.people},
		{"projects, their hierarchy and tags", w.hierarchy},
		{"roles, inference rules, assignments", w.authority},
		{"regions, services, endpoints, catalog", w.services},
		{"tokens", w.session},
		{"credentials", w.keys},
		{"a program by OAuth1", w.programs},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println("ok:", step.name)
	}
	return nil
}

func setUp(ctx context.Context) (*world, error) {
	w := &world{password: rand.Text()}
	// openstack.AuthOptionsFromEnv does not know a project by name in a domain by name.
	var err error
	w.admin, _, err = client(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: os.Getenv("OS_AUTH_URL"), Username: os.Getenv("OS_USERNAME"), Password: os.Getenv("OS_PASSWORD"),
		DomainName: os.Getenv("OS_USER_DOMAIN_NAME"),
		Scope:      &gophercloud.AuthScope{ProjectName: os.Getenv("OS_PROJECT_NAME"), DomainName: os.Getenv("OS_PROJECT_DOMAIN_NAME")},
	})
	if err != nil {
		return w, err
	}
	name := func(s string) string { return "gophercloud-" + s + "-" + rand.Text()[:8] }
	project, err := projects.Create(ctx, w.admin, projects.CreateOpts{Name: name("project")}).Extract()
	if err != nil {
		return w, fmt.Errorf("create a project: %w", err)
	}
	w.project, w.domain = project.ID, project.DomainID
	w.later(func(ctx context.Context) error { return projects.Delete(ctx, w.admin, project.ID).ExtractErr() })
	role, err := roles.Create(ctx, w.admin, roles.CreateOpts{Name: name("role")}).Extract()
	if err != nil {
		return w, fmt.Errorf("create a role: %w", err)
	}
	w.role = role.ID
	w.later(func(ctx context.Context) error { return roles.Delete(ctx, w.admin, role.ID).ExtractErr() })
	for who, id := range map[string]*string{"trustor": &w.trustor, "trustee": &w.trustee} {
		user, err := users.Create(ctx, w.admin, users.CreateOpts{Name: name(who), DomainID: w.domain, Password: w.password}).Extract()
		if err != nil {
			return w, fmt.Errorf("create a user: %w", err)
		}
		*id = user.ID
		w.later(func(ctx context.Context) error { return users.Delete(ctx, w.admin, user.ID).ExtractErr() })
	}
	err = roles.Assign(ctx, w.admin, w.role, roles.AssignOpts{UserID: w.trustor, ProjectID: w.project}).ExtractErr()
	if err != nil {
		return w, fmt.Errorf("assign the role: %w", err)
	}
	return w, nil
}

func (w *world) later(undo func(context.Context) error) { w.undo = append(w.undo, undo) }

func (w *world) tearDown(ctx context.Context) (err error) {
	for n := len(w.undo) - 1; n >= 0; n-- {
		err = errors.Join(err, w.undo[n](ctx))
	}
	return err
}

// client signs somebody in.
func client(ctx context.Context, o gophercloud.AuthOptions) (*gophercloud.ServiceClient, tokens.CreateResult, error) {
	var result tokens.CreateResult
	provider, err := openstack.AuthenticatedClient(ctx, o)
	if err != nil {
		return nil, result, fmt.Errorf("sign in: %w", err)
	}
	result, ok := provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return nil, result, fmt.Errorf("signed in with %T", provider.GetAuthResult())
	}
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	return identity, result, err
}

// as signs one of the two users in.
func (w *world) as(ctx context.Context, userID string, scope gophercloud.AuthScope) (*gophercloud.ServiceClient, tokens.CreateResult, error) {
	return client(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: os.Getenv("OS_AUTH_URL"), UserID: userID, Password: w.password, Scope: &scope,
	})
}

func (w *world) delegate(ctx context.Context, impersonation bool) error {
	trustor, _, err := w.as(ctx, w.trustor, gophercloud.AuthScope{ProjectID: w.project})
	if err != nil {
		return err
	}
	expires := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	made, err := trusts.Create(ctx, trustor, trusts.CreateOpts{
		TrustorUserID: w.trustor, TrusteeUserID: w.trustee, ProjectID: w.project, Impersonation: impersonation,
		ExpiresAt: &expires, RemainingUses: 2, Roles: []trusts.Role{{ID: w.role}},
	}).Extract()
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	got, err := trusts.Get(ctx, trustor, made.ID).Extract()
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	for _, t := range []*trusts.Trust{made, got} {
		if t.ID != made.ID || t.TrustorUserID != w.trustor || t.TrusteeUserID != w.trustee || t.ProjectID != w.project ||
			t.Impersonation != impersonation || !t.ExpiresAt.Equal(expires) || t.RemainingUses != 2 ||
			len(t.Roles) != 1 || t.Roles[0].ID != w.role {
			return fmt.Errorf("the trust is not as asked for: %+v", t)
		}
	}
	if err := w.listed(ctx, trustor, trusts.ListOpts{TrustorUserID: w.trustor}, made.ID); err != nil {
		return err
	}
	trustee, _, err := w.as(ctx, w.trustee, gophercloud.AuthScope{})
	if err != nil {
		return err
	}
	if err := w.listed(ctx, trustee, trusts.ListOpts{TrusteeUserID: w.trustee}, made.ID); err != nil {
		return err
	}
	if err := w.roles(ctx, trustor, made.ID); err != nil {
		return err
	}
	if err := w.use(ctx, made); err != nil {
		return err
	}
	if got, err = trusts.Get(ctx, trustor, made.ID).Extract(); err != nil || got.RemainingUses != 1 {
		return fmt.Errorf("one use is left: %+v, %v", got, err)
	}
	if err := trusts.Delete(ctx, trustor, made.ID).ExtractErr(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := trusts.Get(ctx, trustor, made.ID).Err; !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		return fmt.Errorf("a deleted trust is not found, but: %v", err)
	}
	if _, _, err := w.as(ctx, w.trustee, gophercloud.AuthScope{TrustID: made.ID}); !gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) {
		return fmt.Errorf("a deleted trust gives no token, but: %v", err)
	}
	return nil
}

func (w *world) listed(ctx context.Context, c *gophercloud.ServiceClient, of trusts.ListOpts, id string) error {
	pages, err := trusts.List(c, of).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	all, err := trusts.ExtractTrusts(pages)
	if err != nil || len(all) != 1 || all[0].ID != id {
		return fmt.Errorf("list of %+v: %+v, %v", of, all, err)
	}
	return nil
}

func (w *world) roles(ctx context.Context, c *gophercloud.ServiceClient, id string) error {
	pages, err := trusts.ListRoles(c, id).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("list roles: %w", err)
	}
	all, err := trusts.ExtractRoles(pages)
	if err != nil || len(all) != 1 || all[0].ID != w.role {
		return fmt.Errorf("list roles: %+v, %v", all, err)
	}
	role, err := trusts.GetRole(ctx, c, id, w.role).Extract()
	if err != nil || role.ID != w.role {
		return fmt.Errorf("get role: %+v, %v", role, err)
	}
	if err := trusts.CheckRole(ctx, c, id, w.role).ExtractErr(); err != nil {
		return fmt.Errorf("check role: %w", err)
	}
	if err := trusts.CheckRole(ctx, c, id, "another").ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		return fmt.Errorf("a role that is not in the trust is not found, but: %v", err)
	}
	return nil
}

// use gets a token by the trust and looks at what is in it.
func (w *world) use(ctx context.Context, t *trusts.Trust) error {
	identity, result, err := w.as(ctx, w.trustee, gophercloud.AuthScope{TrustID: t.ID})
	if err != nil {
		return fmt.Errorf("token by trust: %w", err)
	}
	var ext trusts.TokenExt
	if err := result.ExtractInto(&ext); err != nil {
		return err
	}
	user, err := result.ExtractUser()
	if err != nil {
		return err
	}
	project, err := result.ExtractProject()
	if err != nil {
		return err
	}
	granted, err := result.ExtractRoles()
	if err != nil {
		return err
	}
	acting := w.trustee
	if t.Impersonation {
		acting = w.trustor
	}
	if ext.Trust.ID != t.ID || user.ID != acting || project.ID != w.project || len(granted) != 1 || granted[0].ID != w.role {
		return fmt.Errorf("the token is not as expected: %+v %+v %+v %+v", ext, user, project, granted)
	}
	if _, err := trusts.Get(ctx, identity, t.ID).Extract(); err != nil {
		return fmt.Errorf("get the trust with its own token: %w", err)
	}
	return nil
}

// refused asks for what nobody gets.
func (w *world) refused(ctx context.Context) error {
	trustor, _, err := w.as(ctx, w.trustor, gophercloud.AuthScope{ProjectID: w.project})
	if err != nil {
		return err
	}
	ask := trusts.CreateOpts{TrustorUserID: w.trustor, TrusteeUserID: w.trustee, ProjectID: w.project, Roles: []trusts.Role{{ID: w.role}}}
	for _, c := range []struct {
		name   string
		edit   func(*trusts.CreateOpts)
		status int
	}{
		{"for another trustor", func(o *trusts.CreateOpts) { o.TrustorUserID = w.trustee }, http.StatusForbidden},
		{"a project without roles", func(o *trusts.CreateOpts) { o.Roles = nil }, http.StatusForbidden},
		{"an unknown trustee", func(o *trusts.CreateOpts) { o.TrusteeUserID = "nobody" }, http.StatusNotFound},
		{"an unknown role", func(o *trusts.CreateOpts) { o.Roles = []trusts.Role{{Name: "no such role"}} }, http.StatusNotFound},
		{"an end in the past", func(o *trusts.CreateOpts) { at := time.Now().Add(-time.Hour); o.ExpiresAt = &at }, http.StatusBadRequest},
	} {
		o := ask
		c.edit(&o)
		if err := trusts.Create(ctx, trustor, o).Err; !gophercloud.ResponseCodeIs(err, c.status) {
			return fmt.Errorf("%s is %d, but: %v", c.name, c.status, err)
		}
	}
	return nil
}
