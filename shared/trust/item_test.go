package trust

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

func TestItem(t *testing.T) {
	created := time.Date(2031, 1, 2, 3, 4, 5, 678_000, time.UTC)
	made := func(t *Trust) { t.CreatedAt = created }
	for _, c := range []struct {
		name  string
		trust Trust
	}{
		{"a first trust that expires", root(made)},
		{"without expiry", root(made, until(time.Time{}))},
		{"limited uses", root(made, count(0), limited)},
		{"no uses left", root(made, count(0), func(t *Trust) { t.RemainingUses = new(int64) })},
		{"used", root(made, func(t *Trust) { t.UsedAt = created.Add(time.Hour) })},
		{"without project", root(made, func(t *Trust) { t.ProjectID, t.RoleIDs = "", nil })},
		{"redelegated", parent(made, func(t *Trust) { t.above = store.NewSet(ada, bob) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.trust, From(c.trust.item(DefaultRetention)))
		})
	}
}

func TestItem_expired_trusts_stay_listed_for_the_retention(t *testing.T) {
	i := root().item(time.Hour)
	assert.Equal(t, noon.Add(time.Hour).Unix(), i.Int(store.AttrTTL))
	assert.False(t, root(until(time.Time{})).item(time.Hour).Has(store.AttrTTL))
	for _, own := range []string{attrRoles, attrUses, attrExpires, attrImpersonation} {
		assert.False(t, root(limited).mirror(time.Hour).Has(own), "a mirror repeats %s", own)
	}
}

// TestClaim says which trusts are the same for TR-025.
func TestClaim(t *testing.T) {
	same, ok := root().claim()
	require.True(t, ok)
	for _, c := range []struct {
		name  string
		trust Trust
		equal bool
	}{
		{"TR-025 other roles", root(reads), true},
		{"TR-025 another number of generations", root(count(0)), true},
		{"another trustee", root(func(t *Trust) { t.TrusteeID = eve }), false},
		{"trustor and trustee exchanged", root(func(t *Trust) { t.TrustorID, t.TrusteeID = bob, ada }), false},
		{"letters moved between ids", root(func(t *Trust) { t.TrustorID, t.TrusteeID = "adab", "ob" }), false},
		{"another project", root(func(t *Trust) { t.ProjectID = shop }), false},
		{"without impersonation", root(plain), false},
		{"a second later", root(until(noon.Add(time.Second))), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, ok := c.trust.claim()
			require.True(t, ok)
			assert.Equal(t, c.equal, k == same)
		})
	}
	_, ok = root(until(time.Time{})).claim()
	assert.False(t, ok, "TR-026: trusts without expiry claim nothing")
}

func TestWellFormed(t *testing.T) {
	assert.True(t, wellFormed("0123456789abcdef0123456789abcdef"))
	for _, id := range []string{"", "nope", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0", "../0123456789abcdef0123456789abc"} {
		assert.False(t, wellFormed(id), id)
	}
	assert.True(t, wellFormed(newID()))
}
