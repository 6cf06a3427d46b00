package local

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// TestLogged: what one of the template's readers is given is kept, and nothing else.
func TestLogged(t *testing.T) {
	logged, err := Logged()
	require.NoError(t, err)
	of := func(kind string) store.Item { return store.Item{store.AttrType: kind} }
	for _, c := range []struct {
		name     string
		old, new store.Item
		want     bool
	}{
		{"a token is issued", nil, of("token"), false},
		{"a token is marked", of("token"), of("token"), true},
		{"a token has expired", of("token"), nil, false},
		{"a nonce is used", nil, of("nonce"), false},
		{"a job begins: cascade's alone", nil, of("job"), true},
		{"a consumer is made: publish's alone", nil, of("consumer"), true},
		{"a consumer is deleted", of("consumer"), nil, true},
		{"a user is made", nil, of("user"), false},
		{"a user is deleted", of("user"), nil, true},
	} {
		assert.Equal(t, c.want, logged(store.Change{Key: store.User("1"), Old: c.old, New: c.new}), c.name)
	}
}
