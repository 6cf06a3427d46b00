package oauth1

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// RequestToken is a consumer's request for authority on a project and, once a user has
// authorised it, which roles of hers it may have.
type RequestToken struct {
	ID         string
	ConsumerID string
	ProjectID  string
	UserID     string // "": not authorised
	RoleIDs    store.Set
	ExpiresAt  time.Time // zero: never

	// Round is how often it was authorised. Whoever decides about what she was shown says
	// which one that was.
	Round int64
}

func requestFrom(i store.Item) RequestToken {
	return RequestToken{
		ID: i.Str(attrID), ConsumerID: i.Str(attrConsumer), ProjectID: i.Str(attrProject), UserID: i.Str(attrUser),
		RoleIDs: i.Set(attrRoles), ExpiresAt: endOf(i), Round: i.Int(attrRound),
	}
}

func (t RequestToken) mirrors() []store.Key {
	keys := []store.Key{store.RequestOfConsumer(t.ConsumerID, t.ID), store.RequestOfProject(t.ProjectID, t.ID)}
	if t.UserID != "" {
		keys = append(keys, store.RequestOfUser(t.UserID, t.ID))
	}
	return keys
}

// entry is the item under each of those keys.
func (t RequestToken) entry() store.Item {
	i := store.Item{store.AttrType: "request token listed", attrID: t.ID}
	setEnd(i, t.ExpiresAt)
	delete(i, attrExpires)
	return i
}

// CreateRequestToken gives a consumer a request token for a project (RFC 5849 §2.1). It
// fails with NotFound for an unknown project or consumer, Invalid for what is wrong with
// the parameters, Unauthorized for a signature that does not hold or was used before; in
// this order (oauth1.md section 5).
func (s *Service) CreateRequestToken(ctx context.Context, rs *store.ReadSet, r Request, projectID string) (RequestToken, secret.Text, error) {
	if err := r.need(paramConsumer); err != nil {
		return RequestToken{}, secret.Text{}, err
	}
	if projectID == "" {
		return RequestToken{}, secret.Text{}, problem.Invalid("the header Requested-Project-Id", "is required")
	}
	if err := rs.Settle(ctx, func() error { return s.mayRequest(rs, r, projectID) }); err != nil {
		return RequestToken{}, secret.Text{}, err
	}
	t := RequestToken{ID: newID(), ConsumerID: r.Key(), ProjectID: projectID, ExpiresAt: s.end(s.settings.RequestLife)}
	k, text := store.RequestToken(t.ID), newSecret()
	sealed, err := s.seal(ctx, k, attrSecret, text)
	if err != nil {
		return RequestToken{}, secret.Text{}, err
	}
	i := store.Item{
		store.AttrType: typeRequest, attrID: t.ID, attrConsumer: t.ConsumerID, attrProject: projectID, attrSecret: sealed,
		attrCreated: s.now().UnixMicro(), attrRound: int64(0),
	}
	setEnd(i, t.ExpiresAt)
	write := s.burning(r, store.Create(k, i), store.Check(store.Consumer(t.ConsumerID)), store.Check(store.Project(projectID)))
	for _, m := range t.mirrors() {
		write = append(write, store.Create(m, t.entry()))
	}
	err = s.table.Write(ctx, store.NewRequestID(), write...)
	if refused, ok := store.AsRefused(err); ok {
		switch {
		case s.Replayed(r, refused):
			return RequestToken{}, secret.Text{}, refuse("the request was sent before")
		case refused.Key == store.Project(projectID):
			return RequestToken{}, secret.Text{}, problem.NotFound("project", projectID)
		default:
			return RequestToken{}, secret.Text{}, problem.NotFound("consumer", t.ConsumerID)
		}
	}
	if err != nil {
		return RequestToken{}, secret.Text{}, fmt.Errorf("store request token %s: %w", t.ID, err)
	}
	return t, text, nil
}

// mayRequest is a pass: nil when the request is a consumer's own and about a project that is there.
func (s *Service) mayRequest(rs *store.ReadSet, r Request, projectID string) error {
	rs.Want(store.Project(projectID), store.Consumer(r.Key()))
	if _, err := directory.FindProject(rs, projectID); err != nil {
		return err
	}
	if _, err := s.Consumer(rs, r.Key()); err != nil {
		return err
	}
	if err := r.wellFormed(s.now().Unix(), s.settings.Plaintext); err != nil {
		return err
	}
	if err := r.need(paramCallback); err != nil {
		return err
	}
	i, _ := rs.Get(store.Consumer(r.Key()))
	text, err := s.open(rs, store.Consumer(r.Key()), attrSecret, i)
	if err != nil {
		return err
	}
	if !r.signedWith(text, secret.Text{}) {
		return refuse("the signature of consumer %s does not hold", r.Key())
	}
	return nil
}

// Request is a pass: a request token that can still be authorised. One that was exchanged,
// or whose consumer or project is gone, is not found; an expired one is Unauthorized.
func (s *Service) Request(rs *store.ReadSet, id string) (RequestToken, error) {
	i, err := rs.Get(store.RequestToken(id))
	if err != nil {
		return RequestToken{}, err
	}
	if i == nil {
		return RequestToken{}, problem.NotFound("request token", id)
	}
	t := requestFrom(i)
	if err := present(rs, store.Consumer(t.ConsumerID), store.Project(t.ProjectID)); err != nil {
		return RequestToken{}, missing(err, "request token", id)
	}
	if s.expired(t.ExpiresAt) {
		return RequestToken{}, refuse("request token %s expired", id)
	}
	return t, nil
}

// Choice is the roles that a user hands over.
type Choice struct {
	RoleIDs   []string // taken as they are
	RoleNames []string // looked up among all roles, whatever domain owns them
	Seen      *int64   // the Round that she was shown; nil: whichever it is
}

// Authorize lets a user hand roles of hers to the consumer of a request token and returns
// the verifier that she is to give to it (RFC 5849 §2.2). Authorising again replaces user,
// roles and verifier. It fails with NotFound, Invalid or Unauthorized in the contract's
// order (oauth1.md section 6): the roles must be hers, effectively, on the requested project.
//
// When she says which round she was shown, and it was authorised since, that is a Conflict,
// unless it was this very choice sent twice: then the verifier is the one of the first time.
func (s *Service) Authorize(ctx context.Context, rs *store.ReadSet, userID, id string, c Choice) (secret.Text, error) {
	k := store.RequestToken(id)
	for range attempts {
		var t RequestToken
		var roles store.Set
		err := rs.Settle(ctx, func() (err error) {
			if t, err = s.Request(rs, id); err != nil {
				return err
			}
			roles, err = s.held(rs, userID, t.ProjectID, c)
			return err
		})
		if err != nil {
			return secret.Text{}, err
		}
		if c.Seen != nil && *c.Seen != t.Round {
			return s.repeated(ctx, rs, t, userID, roles, *c.Seen)
		}
		verifier := newVerifier()
		sealed, err := s.seal(ctx, k, attrVerifier, verifier)
		if err != nil {
			return secret.Text{}, err
		}
		write := []store.Mutation{
			store.Update(k).Set(attrUser, userID).Set(attrRoles, roles).Set(attrVerifier, sealed).Set(attrTries, int64(tries)).
				Add(attrRound, 1).Where(store.Equals(attrRound, t.Round)),
			store.Check(store.User(userID)),
		}
		if t.UserID != userID {
			if t.UserID != "" {
				write = append(write, store.Delete(store.RequestOfUser(t.UserID, id)))
			}
			write = append(write, store.Create(store.RequestOfUser(userID, id), t.entry()))
		}
		err = s.table.Write(ctx, store.NewRequestID(), write...)
		refused, ok := store.AsRefused(err)
		if !ok {
			if err != nil {
				return secret.Text{}, fmt.Errorf("authorize request token %s: %w", id, err)
			}
			return verifier, nil
		}
		if refused.Key == store.User(userID) {
			return secret.Text{}, refuse("user %s is gone", userID)
		}
		rs.Forget(k)
	}
	return secret.Text{}, fmt.Errorf("authorize request token %s: %w", id, store.ErrContended)
}

// held is a pass: the chosen roles, all of which the user holds on the project.
func (s *Service) held(rs *store.ReadSet, userID, projectID string, c Choice) (store.Set, error) {
	rs.Want(store.User(userID), store.Project(projectID), store.Grant(store.UserActor(userID), store.OnProject(projectID)))
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return nil, err
	}
	chosen := slices.Clone(c.RoleIDs)
	for _, name := range c.RoleNames {
		var found []string
		for _, r := range roles.All() {
			if r.Name == name {
				found = append(found, r.ID)
			}
		}
		switch len(found) {
		case 0:
			return nil, problem.NotFound("role", name)
		case 1:
			chosen = append(chosen, found[0])
		default:
			return nil, problem.Invalid("roles", fmt.Sprintf("must give the id of role %q: several have that name", name))
		}
	}
	u, err := directory.LiveUser(rs, userID)
	if err != nil {
		return nil, unauthorized(err)
	}
	effective, err := s.registry.Effective(rs, u, store.OnProject(projectID))
	if err != nil {
		return nil, err
	}
	if len(effective) == 0 {
		return nil, refuse("user %s holds no role on project %s", userID, projectID)
	}
	for _, id := range chosen {
		if !effective.Has(id) {
			return nil, refuse("user %s does not hold role %s on project %s", userID, id, projectID)
		}
	}
	return store.NewSet(chosen...), nil
}
