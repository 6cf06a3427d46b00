package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

type size struct {
	name  string
	hints Hints
	most  int // characters (design.md section 3)
}

// tokenSizes are the kinds of token whose length is promised.
func tokenSizes() []size {
	user, project, trustor, root := id("a", 32), id("b", 32), id("c", 32), id("d", 16)
	trusts := []string{id("1", 16), id("2", 16), id("3", 16), id("4", 16)}
	between := []string{id("5", 32), id("6", 32), id("7", 32)}
	trust := func(depth int) Hints {
		return Hints{
			Kind: KindProject, UserID: user, ScopeID: project, OtherUserID: trustor, TrustIDs: trusts[:depth+1], BetweenIDs: append([]string(nil), between[:depth]...),
			RootAudit: root,
		}
	}
	return []size{
		{"nothing", Hints{}, 63},
		{"unscoped", Hints{UserID: user}, 84},
		{"project", Hints{Kind: KindProject, UserID: user, ScopeID: project}, 106},
		{"project, derived", Hints{Kind: KindProject, UserID: user, ScopeID: project, RootAudit: root}, 116},
		{"two groups, derived", Hints{Kind: KindProject, UserID: user, ScopeID: project, RootAudit: root, GroupIDs: between[:2]}, 159},
		{"OAuth1", Hints{Kind: KindProject, UserID: user, ScopeID: project, AccessTokenID: trustor, ConsumerID: between[0]}, 159},
		{"OAuth1, derived", Hints{Kind: KindProject, UserID: user, ScopeID: project, RootAudit: root, AccessTokenID: trustor, ConsumerID: between[0]}, 159},
		{"trust, derived", trust(0), 148},
		{"trust of depth 1, derived", trust(1), 180},
		{"trust of depth 2, derived", trust(2), 212},
		{"trust of depth 3, derived", trust(3), 244},
		{"domain default", Hints{Kind: KindDomain, UserID: user, ScopeID: "default"}, 106},
		{"project, inherited from domain default", Hints{Kind: KindProject, UserID: user, ScopeID: project, InheritedFrom: []store.Target{store.OnDomain("default")}}, 200},
	}
}

func newTestRing(t testing.TB) *secret.Ring {
	t.Helper()
	ring, err := secret.NewRing()
	require.NoError(t, err)
	return ring
}

func TestTokenSizes(t *testing.T) {
	ring, associated := newTestRing(t), associatedWith(id("e", 32))
	for _, c := range tokenSizes() {
		t.Run(c.name, func(t *testing.T) {
			text, audit, err := mint(ring, associated, c.hints)
			require.NoError(t, err)
			require.LessOrEqual(t, len(text.Reveal()), c.most)
			t.Logf("%d characters", len(text.Reveal()))

			sealed, err := unwire(text)
			require.NoError(t, err)
			got, gotAudit, err := open(ring, associated, sealed)
			require.NoError(t, err)
			require.Equal(t, c.hints, got, "nothing was left out")
			require.Equal(t, audit, gotAudit)
			sum := sha256.Sum256(sealed[:29])
			require.Equal(t, sum[:16], audit[:])
		})
	}
}

func TestTokensAreNeverTooLong(t *testing.T) {
	ring, associated := newTestRing(t), associatedWith("d")
	rapid.Check(t, func(t *rapid.T) {
		text, _, err := mint(ring, associated, hints(t))
		require.NoError(t, err)
		require.LessOrEqual(t, len(text.Reveal()), 255)
	})
}

func newSealer(t testing.TB, table store.Table) Sealer {
	t.Helper()
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	rings, err := secret.OpenRings(t.Context(), secret.RingsOptions{Table: table, Wrapper: key})
	require.NoError(t, err)
	return NewSealer(rings)
}

func newTable(t testing.TB) store.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func TestOpenRefuses(t *testing.T) {
	table := newTable(t)
	s := newSealer(t, table)
	text, _, err := s.Mint(t.Context(), Hints{Kind: KindProject, UserID: id("a", 32), ScopeID: id("b", 32)})
	require.NoError(t, err)
	good := text.Reveal()
	require.Len(t, good, 106)
	foreign, _, err := newSealer(t, newTable(t)).Mint(t.Context(), Hints{})
	require.NoError(t, err)

	// 79 bytes take 106 characters, of which the last has two bits to spare.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[105])
	require.Zero(t, last%4)
	stray := good[:105] + string(alphabet[last+1])
	lax, err := base64.RawURLEncoding.DecodeString(stray)
	require.NoError(t, err, "the same bytes for who does not look")
	require.Len(t, lax, 79)

	bad := map[string]string{
		"nothing":                "",
		"garbage":                "not a token",
		"Keystone's Fernet":      "gAAAAABlZ" + strings.Repeat("x", 170),
		"a UUID token":           "0123456789abcdef0123456789abcdef",
		"stray bits":             stray,
		"padding":                good + "==",
		"a line end":             good + "\n",
		"a line end within":      good[:50] + "\r\n" + good[50:],
		"blanks":                 " " + good,
		"standard base64":        strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+",
		"too long":               good + strings.Repeat("A", 255),
		"256 characters":         strings.Repeat("A", 256),
		"form, but unknown key":  foreign.Reveal(),
		"longer":                 good + "AAAA",
		"nothing but the prefix": good[:7],
	}
	for i := range len(good) - 1 {
		bad[fmt.Sprintf("cut at %d", i)] = good[:i]
		changed := []byte(good)
		changed[i] = alphabet[(strings.IndexByte(alphabet, changed[i])+1)%64]
		bad[fmt.Sprintf("changed at %d", i)] = string(changed)
	}
	rs := store.NewReadSet(table)
	for name, b := range bad {
		err := rs.Settle(t.Context(), func() error {
			_, _, err := s.Open(rs, secret.New(b))
			return err
		})
		require.Equal(t, ErrNotAToken, err, name)
	}
	h, _, err := s.Open(rs, text)
	require.NoError(t, err)
	require.Equal(t, id("a", 32), h.UserID)
}

// TestForeignDeployment: the same keys under another deployment's id, as after a restore
// from backup, open nothing.
func TestForeignDeployment(t *testing.T) {
	ring := newTestRing(t)
	text, _, err := mint(ring, associatedWith(id("1", 32)), Hints{})
	require.NoError(t, err)
	sealed, err := unwire(text)
	require.NoError(t, err)
	_, _, err = open(ring, associatedWith(id("2", 32)), sealed)
	require.Equal(t, ErrNotAToken, err)
}

// TestOpenRefusesSealedOtherwise: what the ring sealed for another purpose is no token.
func TestOpenRefusesSealedOtherwise(t *testing.T) {
	ring, associated := newTestRing(t), associatedWith("d")
	for _, sealed := range [][]byte{sealBytes(t, ring, Encode(Hints{}), []byte("CONSUMER#1")), sealBytes(t, ring, []byte{0x20, 0}, associated)} {
		_, _, err := open(ring, associated, sealed)
		require.Equal(t, ErrNotAToken, err)
	}
}

func sealBytes(t *testing.T, ring *secret.Ring, plain, associated []byte) []byte {
	t.Helper()
	sealed, err := ring.Seal(plain, associated)
	require.NoError(t, err)
	return sealed
}

// outage is a table that stops answering reads when it is told.
type outage struct {
	store.Table
	down bool
}

func (o *outage) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if o.down {
		return nil, store.ErrUnavailable
	}
	return o.Table.Read(ctx, keys...)
}

// TestUnknownKeyIsLookedUp in the request's own trip. Where that is not possible, the
// answer is not that the token is none.
func TestUnknownKeyIsLookedUp(t *testing.T) {
	table := &outage{Table: newTable(t)}
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	rings, err := secret.OpenRings(t.Context(), secret.RingsOptions{Table: table, Wrapper: key, Now: func() time.Time { return now }})
	require.NoError(t, err)
	instance := &sealer{rings, associatedWith(rings.Deployment())}
	known, _, err := instance.Mint(t.Context(), Hints{})
	require.NoError(t, err)

	// Elsewhere, a key is added and promoted, and seals a token.
	added, newKey, err := rings.Ring().Add()
	require.NoError(t, err)
	promoted, err := added.Promote(newKey)
	require.NoError(t, err)
	for _, ring := range []*secret.Ring{added, promoted} {
		m, err := rings.Replacement(t.Context(), ring)
		require.NoError(t, err)
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m))
	}
	text, audit, err := mint(promoted, instance.associated, Hints{UserID: id("a", 32)})
	require.NoError(t, err)
	now = now.Add(time.Minute)

	look := func(text secret.Text) (a AuditID, trips int, err error) {
		rs := store.NewReadSet(table)
		err = rs.Settle(t.Context(), func() error { _, a, err = instance.Open(rs, text); return err })
		return a, rs.Trips(), err
	}
	table.down = true
	_, _, err = look(text)
	require.ErrorIs(t, err, store.ErrUnavailable)
	_, trips, err := look(text)
	require.ErrorIs(t, err, store.ErrUnavailable, "and so for a while")
	require.Zero(t, trips)
	_, trips, err = look(known)
	require.NoError(t, err)
	require.Zero(t, trips)

	table.down = false
	now = now.Add(time.Minute)
	got, trips, err := look(text)
	require.NoError(t, err)
	require.Equal(t, audit, got)
	require.Equal(t, 1, trips)
	_, trips, err = look(text)
	require.NoError(t, err)
	require.Zero(t, trips, "it is known now")
	_, trips, err = look(known)
	require.NoError(t, err)
	require.Zero(t, trips, "and the old key still is")
}

func TestAuditID(t *testing.T) {
	var a AuditID
	for i := range a {
		a[i] = byte(0xf0 + i)
	}
	require.Equal(t, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", a.Hex())
	require.Equal(t, "8PHy8_T19vf4-fr7_P3-_w", a.String())
	back, err := ParseAuditID(a.String())
	require.NoError(t, err)
	require.Equal(t, a, back)
	back, err = auditFromHex(a.Hex())
	require.NoError(t, err)
	require.Equal(t, a, back)
	for name, bad := range map[string]string{
		"nothing": "", "short": "8PHy8_T19vf4-fr7_P3-", "long": "8PHy8_T19vf4-fr7_P3-_wAA", "stray bits": "8PHy8_T19vf4-fr7_P3-_x",
		"padded": "8PHy8_T19vf4-fr7_P3-_w==", "hex": a.Hex(), "line end": "8PHy8_T19vf4-fr7_P3-_w\n", "standard": "8PHy8/T19vf4+fr7/P3+/w",
	} {
		_, err := ParseAuditID(bad)
		require.Error(t, err, name)
	}
	for _, bad := range []string{"", a.String(), a.Hex()[2:], a.Hex() + "00", strings.Repeat("x", 32)} {
		_, err := auditFromHex(bad)
		require.Error(t, err, bad)
	}
}

// TestTokensNeverPrint: neither what was minted nor a login that brings a token or a
// password shows it.
func TestTokensNeverPrint(t *testing.T) {
	text, _, err := mint(newTestRing(t), associatedWith("d"), Hints{})
	require.NoError(t, err)
	l := Login{Token: text, Password: PasswordProof{Password: text}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{text, l, &l, struct{ l Login }{l}} {
			printed := fmt.Sprintf(verb, v)
			require.NotContains(t, printed, text.Reveal())
			require.NotContains(t, printed, fmt.Sprintf("%x", text.Reveal()))
		}
	}
}

func BenchmarkMint(b *testing.B) {
	ring, associated := newTestRing(b), associatedWith(id("e", 32))
	for _, c := range tokenSizes() {
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := mint(ring, associated, c.hints); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	table := newTable(b)
	s := newSealer(b, table)
	rs := store.NewReadSet(table)
	for _, c := range tokenSizes() {
		text, _, err := s.Mint(b.Context(), c.hints)
		require.NoError(b, err)
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Open(rs, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
