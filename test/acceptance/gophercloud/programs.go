package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/oauth1"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

func accessID(t oauth1.AccessToken) string   { return t.ID }
func roleID(r oauth1.AccessTokenRole) string { return r.ID }

// programs lets a program act for the trustor, by OAuth1, from the consumer to the revocation.
func (w *world) programs(ctx context.Context) error {
	program, err := w.consumer(ctx)
	if err != nil {
		return err
	}
	trustor, _, err := w.as(ctx, w.trustor, gophercloud.AuthScope{ProjectID: w.project})
	if err != nil {
		return err
	}
	access, err := w.granted(ctx, trustor, program)
	if err != nil {
		return err
	}
	ask := oauth1.AuthOptions{
		OAuthConsumerKey: program.ID, OAuthConsumerSecret: program.Secret, OAuthToken: access.OAuthToken,
		OAuthTokenSecret: access.OAuthTokenSecret, OAuthSignatureMethod: oauth1.HMACSHA1,
	}
	if err := w.acts(ctx, program, access, ask); err != nil {
		return err
	}
	if err := w.shown(ctx, trustor, program, access); err != nil {
		return err
	}
	id, err := oauth1.Create(ctx, w.admin, ask).ExtractTokenID()
	return first(
		err,
		tokens.Get(ctx, w.admin, id).Err,
		oauth1.RevokeAccessToken(ctx, trustor, w.trustor, access.OAuthToken).ExtractErr(),
		refused("a token of what was taken back", tokens.Get(ctx, w.admin, id).Err, http.StatusNotFound),
		refused("a token by what was taken back", oauth1.Create(ctx, w.admin, ask).Err, http.StatusNotFound),
		oauth1.DeleteConsumer(ctx, w.admin, program.ID).ExtractErr(),
		refused("get a deleted consumer", oauth1.GetConsumer(ctx, w.admin, program.ID).Err, http.StatusNotFound),
	)
}

// consumer makes, shows, changes and lists one. Its secret is told once.
func (w *world) consumer(ctx context.Context) (*oauth1.Consumer, error) {
	made, err := oauth1.CreateConsumer(ctx, w.admin, oauth1.CreateConsumerOpts{Description: "backup"}).Extract()
	if err := expect("create a consumer", made, err, func(c *oauth1.Consumer) bool { return c.Secret != "" && c.Description == "backup" }); err != nil {
		return nil, err
	}
	changed, changedErr := oauth1.UpdateConsumer(ctx, w.admin, made.ID, oauth1.UpdateConsumerOpts{Description: "other"}).Extract()
	got, getErr := oauth1.GetConsumer(ctx, w.admin, made.ID).Extract()
	listed, listErr := list(ctx, oauth1.ListConsumers(w.admin), oauth1.ExtractConsumers)
	want := oauth1.Consumer{ID: made.ID, Description: "other"}
	return made, first(
		expect("update a consumer", changed, changedErr, func(c *oauth1.Consumer) bool { return *c == want }),
		expect("get a consumer", got, getErr, func(c *oauth1.Consumer) bool { return *c == want }),
		expect("list consumers", listed, listErr, func(l []oauth1.Consumer) bool { return slices.Contains(l, want) }),
	)
}

// granted is an access token for the trustor's role: request, authorisation, exchange.
func (w *world) granted(ctx context.Context, trustor *gophercloud.ServiceClient, program *oauth1.Consumer) (*oauth1.Token, error) {
	request, err := oauth1.RequestToken(ctx, w.admin, oauth1.RequestTokenOpts{
		OAuthConsumerKey: program.ID, OAuthConsumerSecret: program.Secret, OAuthSignatureMethod: oauth1.HMACSHA1, RequestedProjectID: w.project,
	}).Extract()
	ends := func(t *oauth1.Token) bool {
		return t.OAuthToken != "" && t.OAuthTokenSecret != "" && t.OAuthExpiresAt.After(time.Now())
	}
	if err := expect("a request token", request, err, ends); err != nil {
		return nil, err
	}
	authorised, err := oauth1.AuthorizeToken(ctx, trustor, request.OAuthToken, oauth1.AuthorizeTokenOpts{Roles: []oauth1.Role{{ID: w.role}}}).Extract()
	if err := expect("authorise", authorised, err, func(t *oauth1.AuthorizedToken) bool { return len(t.OAuthVerifier) == 8 }); err != nil {
		return nil, err
	}
	access, err := oauth1.CreateAccessToken(ctx, w.admin, oauth1.CreateAccessTokenOpts{
		OAuthConsumerKey: program.ID, OAuthConsumerSecret: program.Secret, OAuthToken: request.OAuthToken,
		OAuthTokenSecret: request.OAuthTokenSecret, OAuthVerifier: authorised.OAuthVerifier, OAuthSignatureMethod: oauth1.HMACSHA1,
	}).Extract()
	return access, expect("an access token", access, err, ends)
}

// acts signs the program in and uses what it was given.
func (w *world) acts(ctx context.Context, program *oauth1.Consumer, access *oauth1.Token, ask oauth1.AuthOptions) error {
	provider, err := openstack.NewClient(os.Getenv("OS_AUTH_URL"))
	if err != nil {
		return err
	}
	if err := openstack.AuthenticateV3(ctx, provider, &ask, gophercloud.EndpointOpts{}); err != nil {
		return fmt.Errorf("sign a program in: %w", err)
	}
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		return err
	}
	seen := tokens.Get(ctx, w.admin, provider.Token())
	var extension oauth1.TokenExt
	user, userErr := seen.ExtractUser()
	held, heldErr := seen.ExtractRoles()
	reached, reachedErr := list(ctx, projects.ListAvailable(identity), projects.ExtractProjects)
	return first(
		expect("OS-OAUTH1", &extension, seen.ExtractInto(&extension), func(e *oauth1.TokenExt) bool {
			return e.OAuth1.AccessTokenID == access.OAuthToken && e.OAuth1.ConsumerID == program.ID
		}),
		expect("user of a program's token", user, userErr, func(u *tokens.User) bool { return u.ID == w.trustor }),
		expect("roles of a program's token", held, heldErr, func(l []tokens.Role) bool { return len(l) == 1 && l[0].ID == w.role }),
		expect("projects of a program", reached, reachedErr, only(w.project, projectID)),
		refused("roles listed by a program", allRoles(ctx, identity), http.StatusForbidden),
	)
}

func allRoles(ctx context.Context, c *gophercloud.ServiceClient) error {
	_, err := roles.List(c, roles.ListOpts{}).AllPages(ctx)
	return err
}

// shown looks at the grant as the one who gave it.
func (w *world) shown(ctx context.Context, trustor *gophercloud.ServiceClient, program *oauth1.Consumer, access *oauth1.Token) error {
	got, err := oauth1.GetAccessToken(ctx, trustor, w.trustor, access.OAuthToken).Extract()
	listed, listErr := list(ctx, oauth1.ListAccessTokens(trustor, w.trustor), oauth1.ExtractAccessTokens)
	held, heldErr := list(ctx, oauth1.ListAccessTokenRoles(trustor, w.trustor, access.OAuthToken), oauth1.ExtractAccessTokenRoles)
	role, roleErr := oauth1.GetAccessTokenRole(ctx, trustor, w.trustor, access.OAuthToken, w.role).Extract()
	return first(
		expect("get an access token", got, err, func(t *oauth1.AccessToken) bool {
			return t.ConsumerID == program.ID && t.ProjectID == w.project && t.AuthorizingUserID == w.trustor && t.ExpiresAt != nil
		}),
		expect("list access tokens", listed, listErr, only(access.OAuthToken, accessID)),
		expect("roles of an access token", held, heldErr, only(w.role, roleID)),
		expect("role of an access token", role, roleErr, func(r *oauth1.AccessTokenRole) bool { return r.ID == w.role }),
	)
}
