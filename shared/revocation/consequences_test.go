package revocation

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/author"
)

var at = time.Date(2031, 3, 1, 9, 0, 0, 0, time.UTC)

const act = "1930208400250000 req-1 admin" // a quarter of a second after at

type change struct {
	name     string
	key      store.Key
	old, new store.Item
	expired  bool
	deleter  *author.Of
	want     []Match
	types    []Type
}

// with is a copy of an item with other attributes.
func with(i store.Item, pairs ...any) store.Item {
	n := store.Item{}
	for k, v := range i {
		n[k] = v
	}
	for pair := range slices.Chunk(pairs, 2) {
		n[pair[0].(string)] = pair[1]
	}
	return n
}

// TestConsequences: tokens-v3.md section 6, what each change tells.
func TestConsequences(t *testing.T) {
	deleter := &author.Of{UserID: "admin", RequestID: "req-1", At: at.Add(250 * time.Millisecond)}
	user := store.Item{"type": "user", "id": "u", "enabled": true, "epoch": int64(5), "password_version": int64(1), "groups": store.NewSet("g")}
	project := store.Item{"type": "project", "id": "p", "enabled": true}
	domain := store.Item{"type": "domain", "id": "d", "enabled": true}
	role := store.Item{"type": "role", "id": "r", "implies": store.NewSet("s")}
	grant := store.Item{"type": "grant", "actor_kind": "USER", "actor_id": "u", "target_kind": "PROJECT", "target_id": "p", "roles": store.NewSet("r", "s")}
	row := store.Item{"type": "token", "audit": "000102030405060708090a0b0c0d0e0f", "user_id": "u"}
	trustee := store.Item{"type": "trust", "id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
	access := store.Item{"type": "access token", "id": "x"}
	dead := with(row, "dead", true, "revoked_at", at.UnixMicro(), "by", act)
	const audit = "AAECAwQFBgcICQoLDA0ODw"
	onProject := store.Grant(store.UserActor("u"), store.OnProject("p"))
	byUser, tokenKey := []Match{{UserID: "u"}}, store.Token("000102030405060708090a0b0c0d0e0f")

	for _, c := range []change{
		{name: "password changed", key: store.User("u"), old: user, new: with(user, "epoch", int64(6), "password_version", int64(2), "by", act), want: byUser, types: []Type{UserPassword}},
		{name: "user disabled", key: store.User("u"), old: user, new: with(user, "epoch", int64(6), "enabled", false, "by", act), want: byUser, types: []Type{UserDisabled}},
		{name: "a group left", key: store.User("u"), old: user, new: with(user, "epoch", int64(6), "groups", nil, "by", act), want: byUser, types: []Type{UserLeftGroup}},
		{name: "all her tokens revoked", key: store.User("u"), old: user, new: with(user, "epoch", int64(6), "by", act), want: byUser, types: []Type{UserTokensRevoked}},
		{name: "user deleted", key: store.User("u"), old: user, deleter: deleter, want: byUser, types: []Type{UserDeleted}},
		{name: "user renamed", key: store.User("u"), old: user, new: with(user, "name", "other", "by", act)},
		{name: "user enabled again", key: store.User("u"), old: with(user, "enabled", false), new: with(user, "by", act)},
		{name: "project disabled", key: store.Project("p"), old: project, new: with(project, "enabled", false, "by", act), want: []Match{{ProjectID: "p"}}, types: []Type{ProjectDisabled}},
		{name: "project enabled again", key: store.Project("p"), old: with(project, "enabled", false), new: with(project, "by", act)},
		{name: "project deleted", key: store.Project("p"), old: project, deleter: deleter, want: []Match{{ProjectID: "p"}}, types: []Type{ProjectDeleted}},
		{name: "domain disabled", key: store.Domain("d"), old: domain, new: with(domain, "enabled", false, "by", act), want: []Match{{DomainID: "d"}}, types: []Type{DomainDisabled}},
		{name: "domain deleted", key: store.Domain("d"), old: domain, deleter: deleter, want: []Match{{DomainID: "d"}}, types: []Type{DomainDeleted}},
		{name: "group deleted", key: store.Group("g"), old: store.Item{"type": "group", "id": "g"}, deleter: deleter, want: []Match{{GroupID: "g"}}, types: []Type{GroupDeleted}},
		{name: "one of two roles taken", key: onProject, old: grant, new: with(grant, "roles", store.NewSet("r"), "by", act),
			want: []Match{{UserID: "u", ProjectID: "p", RoleID: "s"}}, types: []Type{GrantTaken}},
		{name: "a role given", key: onProject, old: with(grant, "roles", store.NewSet("r")), new: with(grant, "by", act)},
		{name: "the grant taken", key: onProject, old: with(grant, "roles", store.NewSet("r")), deleter: deleter,
			want: []Match{{UserID: "u", ProjectID: "p", RoleID: "r"}}, types: []Type{GrantTaken}},
		{name: "a grant swept", key: onProject, old: grant},
		{name: "role deleted", key: store.Role("r"), old: role, deleter: deleter, want: []Match{{RoleID: "r"}}, types: []Type{RoleDeleted}},
		{name: "an implication taken", key: store.Role("r"), old: role, new: with(role, "implies", nil, "by", act), want: []Match{{RoleID: "r"}}, types: []Type{RoleImplicationEnds}},
		{name: "T-114 the root of a chain revoked", key: tokenKey, old: row, new: with(dead, "chain_dead", true), want: []Match{{AuditID: audit}, {AuditChainID: audit}}, types: []Type{TokenRevoked, TokenRevoked}},
		{name: "T-119 a root revoked alone", key: tokenKey, old: row, new: dead, want: []Match{{AuditID: audit}}, types: []Type{TokenRevoked}},
		{name: "T-114 a derived token revoked", key: tokenKey, old: row, new: with(dead, "root", "ff0102030405060708090a0b0c0d0e0f"), want: []Match{{AuditID: audit}, {AuditChainID: audit}}, types: []Type{TokenRevoked, TokenRevoked}},
		{name: "a row marked by the cascade", key: tokenKey, old: row, new: with(dead, "by", nil)},
		{name: "a row marked again", key: tokenKey, old: dead, new: with(dead, "other", "x")},
		{name: "trust deleted", key: store.Trust(trustee.Str("id")), old: trustee, deleter: deleter, want: []Match{{TrustID: trustee.Str("id")}}, types: []Type{TrustDeleted}},
		{name: "trust deleted with the one above", key: store.Trust(trustee.Str("id")), old: trustee, want: []Match{{TrustID: trustee.Str("id")}}, types: []Type{TrustDeleted}},
		{name: "trust removed by TTL", key: store.Trust(trustee.Str("id")), old: trustee, expired: true},
		{name: "consumer deleted", key: store.Consumer("c"), old: store.Item{"type": "consumer", "id": "c"}, deleter: deleter, want: []Match{{ConsumerID: "c"}}, types: []Type{ConsumerDeleted}},
		{name: "access token deleted", key: store.AccessToken("x"), old: access, deleter: deleter, want: []Match{{AccessTokenID: "x"}}, types: []Type{AccessTokenDeleted}},
		{name: "access token swept", key: store.AccessToken("x"), old: access},
		{name: "access token removed by TTL", key: store.AccessToken("x"), old: access, expired: true},
		{name: "user created", key: store.User("u"), new: user},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, i := range []store.Item{c.old, c.new} {
				for k, v := range i {
					if v == nil {
						delete(i, k)
					}
				}
			}
			in := store.Change{Position: "7", Key: c.key, Old: c.old, New: c.new, At: at, Expired: c.expired}
			got := Consequences(in, c.deleter)
			assert.Equal(t, got, Consequences(in, c.deleter), "the same change tells the same")
			require.Len(t, got, len(c.want))
			ids := map[string]bool{}
			for n, e := range got {
				assert.Equal(t, c.want[n], e.Match)
				assert.Equal(t, c.types[n], e.Type)
				assert.Regexp(t, `^[0-9a-f]{32}$`, e.ID)
				ids[e.ID] = true
				if authored := c.deleter != nil || c.new.Has("by"); authored {
					assert.Equal(t, "admin", e.By)
					assert.Equal(t, "req-1", e.RequestID)
				} else {
					assert.Empty(t, e.By)
				}
				stored := e.Creation(time.Hour)
				assert.Equal(t, e, From(stored.Item))
				assert.Equal(t, store.Event(e.RevokedAt, e.ID), stored.Key)
			}
			assert.Len(t, ids, len(got), "each has its own id")
		})
	}
}

// TestConsequencesOfAnEarlierDeletion: the author of a grant that was taken, given and
// taken again is not the author of another time.
func TestConsequencesOfAnEarlierDeletion(t *testing.T) {
	old := store.Item{"type": "trust", "id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
	in := store.Change{Position: "7", Key: store.Trust(old.Str("id")), Old: old, At: at}
	got := Consequences(in, &author.Of{UserID: "admin", RequestID: "req-1", At: at.Add(-time.Hour)})
	require.Len(t, got, 1)
	assert.Empty(t, got[0].By)
	assert.Equal(t, at, got[0].RevokedAt)
}
