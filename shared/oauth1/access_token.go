package oauth1

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// AccessToken is the authority that a user gave to a consumer.
type AccessToken struct {
	ID         string
	ConsumerID string
	ProjectID  string
	UserID     string
	RoleIDs    store.Set // as the user chose them, implied ones not among them
	ExpiresAt  time.Time // zero: never
	UsedAt     time.Time // when a token was last obtained with it, to the hour; zero: no use is on record
}

// AccessTokenFrom reads an access token's item, but for its secret.
func AccessTokenFrom(i store.Item) AccessToken {
	t := AccessToken{
		ID: i.Str(attrID), ConsumerID: i.Str(attrConsumer), ProjectID: i.Str(attrProject), UserID: i.Str(attrUser),
		RoleIDs: i.Set(attrRoles), ExpiresAt: endOf(i),
	}
	if i.Has(attrUsed) {
		t.UsedAt = time.UnixMicro(i.Int(attrUsed)).UTC()
	}
	return t
}

// usedGrain is how coarse it is known when an access token was last used.
const usedGrain = time.Hour

// Use is the mutation that notes a use of an access token, to be written in one transaction
// with the row of the token that the use is; false when one was noted within the hour, so
// that not every request of a busy program writes the same item.
func (s *Service) Use(t AccessToken) (store.Mutation, bool) {
	now := s.now()
	return store.Update(store.AccessToken(t.ID)).Set(attrUsed, now.UnixMicro()), now.Sub(t.UsedAt) >= usedGrain
}

func (t AccessToken) mirrors() []store.Key {
	return []store.Key{store.AccessOfUser(t.UserID, t.ID), store.AccessOfConsumer(t.ConsumerID, t.ID), store.AccessOfProject(t.ProjectID, t.ID)}
}

func (t AccessToken) parties() parties { return parties{t.UserID, t.ProjectID, t.ConsumerID} }

// Exchange turns an authorised request token into an access token, once however many try
// (RFC 5849 §2.3). It fails in the contract's order (oauth1.md section 7): Invalid, NotFound for a request
// token that is not there, and Unauthorized for all else.
//
// The nonce and one of the tries at the verifier are taken in one write before the verifier
// is looked at, so that a thousand guesses sent at once are five. Then the request token is
// deleted in the write that creates the access token.
func (s *Service) Exchange(ctx context.Context, rs *store.ReadSet, r Request) (AccessToken, secret.Text, error) {
	if err := r.need(paramConsumer, paramToken, paramVerifier); err != nil {
		return AccessToken{}, secret.Text{}, err
	}
	var from RequestToken
	var verifier secret.Text
	err := rs.Settle(ctx, func() (err error) { from, verifier, err = s.exchangeable(rs, r); return err })
	if err != nil {
		return AccessToken{}, secret.Text{}, err
	}
	k := store.RequestToken(from.ID)
	try := store.Update(k).Add(attrTries, -1).Where(store.AtLeast(attrTries, 1), store.Equals(attrRound, from.Round))
	err = s.table.Write(ctx, store.NewRequestID(), s.burning(r, try)...)
	if refused, ok := store.AsRefused(err); ok {
		if refused.Key == k && refused.Item == nil {
			return AccessToken{}, secret.Text{}, problem.NotFound("request token", from.ID)
		}
		return AccessToken{}, secret.Text{}, refuse("request token %s: sent before, authorised anew, or its verifier guessed too often", from.ID)
	}
	if err != nil {
		return AccessToken{}, secret.Text{}, fmt.Errorf("take a try at request token %s: %w", from.ID, err)
	}
	if !verifier.Equal(secret.New(r.Params.Get(paramVerifier))) {
		return AccessToken{}, secret.Text{}, refuse("wrong verifier for request token %s", from.ID)
	}
	return s.exchange(ctx, from)
}

// exchangeable is a pass: the request token that a signed request names, and its verifier.
func (s *Service) exchangeable(rs *store.ReadSet, r Request) (t RequestToken, verifier secret.Text, err error) {
	rs.Want(store.RequestToken(r.Token()), store.Consumer(r.Key()))
	if t, err = s.Request(rs, r.Token()); err != nil {
		return t, verifier, err
	}
	if err := r.wellFormed(s.now().Unix(), s.settings.Plaintext); err != nil {
		return t, verifier, err
	}
	if err := checkVerifier(r.Params.Get(paramVerifier)); err != nil {
		return t, verifier, err
	}
	k := store.RequestToken(t.ID)
	i, _ := rs.Get(k)
	if err := s.signedBy(rs, r, t.ConsumerID, k, i); err != nil {
		return t, verifier, err
	}
	if t.UserID == "" {
		return t, verifier, refuse("request token %s is not authorised", t.ID)
	}
	verifier, err = s.open(rs, k, attrVerifier, i)
	return t, verifier, err
}

// signedBy is a pass: nil when a request is signed with the secrets of a token and of the
// consumer that the token was issued to, and of no other (RFC 5849 §3.2).
func (s *Service) signedBy(rs *store.ReadSet, r Request, consumerID string, k store.Key, token store.Item) error {
	if r.Key() != consumerID {
		return refuse("%s was not issued to consumer %s", k, r.Key())
	}
	at := store.Consumer(consumerID)
	i, err := rs.Get(at)
	if err != nil {
		return err
	}
	consumer, err := s.open(rs, at, attrSecret, i)
	if err != nil {
		return err
	}
	own, err := s.open(rs, k, attrSecret, token)
	if err != nil {
		return err
	}
	if !r.signedWith(consumer, own) {
		return refuse("the signature of consumer %s with %s does not hold", consumerID, k)
	}
	return nil
}

// exchange makes the access token of a request token, which goes in the same write.
func (s *Service) exchange(ctx context.Context, from RequestToken) (AccessToken, secret.Text, error) {
	t := AccessToken{
		ID: newID(), ConsumerID: from.ConsumerID, ProjectID: from.ProjectID, UserID: from.UserID, RoleIDs: from.RoleIDs,
		ExpiresAt: s.end(s.settings.AccessLife),
	}
	k, text := store.AccessToken(t.ID), newSecret()
	sealed, err := s.seal(ctx, k, attrSecret, text)
	if err != nil {
		return AccessToken{}, secret.Text{}, err
	}
	i := store.Item{
		store.AttrType: typeAccess, attrID: t.ID, attrConsumer: t.ConsumerID, attrProject: t.ProjectID, attrUser: t.UserID,
		attrSecret: sealed, attrCreated: s.now().UnixMicro(),
	}
	if len(t.RoleIDs) > 0 {
		i[attrRoles] = t.RoleIDs
	}
	setEnd(i, t.ExpiresAt)
	entry := store.Item{store.AttrType: "access token listed", attrID: t.ID, attrConsumer: t.ConsumerID, attrProject: t.ProjectID}
	if ttl, ok := i[store.AttrTTL]; ok {
		entry[store.AttrTTL] = ttl
	}
	at := store.RequestToken(from.ID)
	write := []store.Mutation{
		store.Delete(at).Where(store.Equals(attrRound, from.Round)), store.Create(k, i),
		store.Check(store.Consumer(t.ConsumerID)), store.Check(store.User(t.UserID)), store.Check(store.Project(t.ProjectID)),
	}
	for _, m := range t.mirrors() {
		write = append(write, store.Create(m, entry))
	}
	for _, m := range from.mirrors() {
		write = append(write, store.Delete(m))
	}
	err = s.table.Write(ctx, store.NewRequestID(), write...)
	if refused, ok := store.AsRefused(err); ok {
		if refused.Key == at && refused.Item == nil {
			return AccessToken{}, secret.Text{}, problem.NotFound("request token", from.ID)
		}
		return AccessToken{}, secret.Text{}, refuse("%s changed while request token %s was exchanged", refused.Key, from.ID)
	}
	if err != nil {
		return AccessToken{}, secret.Text{}, fmt.Errorf("store access token %s: %w", t.ID, err)
	}
	s.memory.keep(t.ID, t.parties())
	return t, text, nil
}

// Access is a pass: the access token by which a signed request asks for an identity token.
// It fails with NotFound when there is none, and with Unauthorized for whatever else is
// wrong (oauth1.md section 9). Whether its user and project are live is for the caller to see.
func (s *Service) Access(rs *store.ReadSet, r Request) (AccessToken, error) {
	id := r.Token()
	k := store.AccessToken(id)
	rs.Want(k, store.Consumer(r.Key()), rs.Head())
	t, err := s.Standing(rs, id)
	if err != nil {
		if _, dead := errors.AsType[*directory.Dead](err); dead {
			return AccessToken{}, problem.NotFound("access token", id).Because(err)
		}
		return AccessToken{}, err
	}
	if s.expired(t.ExpiresAt) {
		return AccessToken{}, refuse("access token %s expired", id)
	}
	if err := r.wellFormed(s.now().Unix(), s.settings.Plaintext); err != nil {
		return AccessToken{}, problem.Unauthorized(err)
	}
	i, _ := rs.Get(k)
	return t, s.signedBy(rs, r, t.ConsumerID, k, i)
}

// want notes what an access token stands on.
func want(rs *store.ReadSet, p parties) {
	rs.Want(store.User(p.userID), store.Project(p.projectID), store.Consumer(p.consumerID),
		store.Grant(store.UserActor(p.userID), store.OnProject(p.projectID)))
}

// Standing is a pass: an access token that is there together with its consumer;
// *directory.Dead otherwise.
func (s *Service) Standing(rs *store.ReadSet, id string) (AccessToken, error) {
	if seen, ok := s.memory.recall(id); ok {
		want(rs, seen)
	}
	i, err := rs.Get(store.AccessToken(id))
	if err != nil {
		return AccessToken{}, err
	}
	if i == nil {
		return AccessToken{}, &directory.Dead{Why: "access token " + id + " is gone", At: store.AccessToken(id), Reason: directory.Absent}
	}
	t := AccessTokenFrom(i)
	want(rs, t.parties())
	s.memory.keep(id, t.parties())
	return t, present(rs, store.Consumer(t.ConsumerID))
}

// present is a pass: nil when all items are there; *directory.Dead.
func present(rs *store.ReadSet, keys ...store.Key) error {
	if !rs.Known(keys...) {
		return store.ErrPending
	}
	for _, k := range keys {
		if i, _ := rs.Get(k); i == nil {
			return &directory.Dead{Why: k.String() + " is gone", At: k, Reason: directory.Absent}
		}
	}
	return nil
}

// missing turns a finding into NotFound.
func missing(err error, kind, id string) error {
	if d, dead := errors.AsType[*directory.Dead](err); dead {
		return problem.NotFound(kind, id).Because(d)
	}
	return err
}

// unauthorized turns a finding into Unauthorized.
func unauthorized(err error) error {
	if d, dead := errors.AsType[*directory.Dead](err); dead {
		return problem.Unauthorized(d)
	}
	return err
}
