package token

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/store"
)

// id is a made-up id of n hex digits.
func id(c string, n int) string { return strings.Repeat(c, n) }

func TestHintsLayout(t *testing.T) {
	user, project := id("a1", 16), id("b2", 16)
	for name, c := range map[string]struct {
		h    Hints
		want string // hex
	}{
		"nothing":  {Hints{}, "1000"},
		"unscoped": {Hints{UserID: user}, "1001" + user},
		"project":  {Hints{Kind: KindProject, UserID: user, ScopeID: project}, "1103" + user + project},
		"derived": {
			Hints{Kind: KindProject, UserID: user, ScopeID: project, RootAudit: id("c", 16)},
			"110b" + user + project + id("c", 16),
		},
		"OAuth1": {
			Hints{Kind: KindProject, UserID: user, ScopeID: project, AccessTokenID: id("d", 32), ConsumerID: id("e", 32)},
			"1503" + user + project + id("d", 32) + id("e", 32),
		},
		"groups": {
			Hints{Kind: KindProject, UserID: user, ScopeID: project, GroupIDs: []string{id("1", 32), id("2", 32)}},
			"1103" + user + project + id("1", 32) + id("2", 32),
		},
		"redelegated trust": {
			Hints{
				Kind: KindProject, UserID: user, ScopeID: project, OtherUserID: id("f", 32),
				TrustIDs: []string{id("1", 16), id("2", 16)}, BetweenIDs: []string{id("3", 32)},
			},
			"1147" + user + project + id("f", 32) + id("1", 16) + id("2", 16) + id("3", 32),
		},
		"domain with a short id": {
			Hints{Kind: KindDomain, UserID: user, ScopeID: "default"},
			"1a" + "90" + user + "07" + hex.EncodeToString([]byte("default")) + "00" + "0000" + "000000" + "00" + "00",
		},
		"user of 64 hex digits": {
			Hints{Kind: KindSystem, UserID: id("7", 64)},
			"1b" + "a0" + id("7", 64) + "0000" + "0000" + "000000" + "00" + "00",
		},
		"inherited": {
			Hints{Kind: KindProject, UserID: user, ScopeID: project, InheritedFrom: []store.Target{store.OnDomain("default"), store.OnProject(user).Below()}},
			"19" + "90" + user + "90" + project + "00" + "0000" + "000000" + "00" + "02" + "0207" + hex.EncodeToString([]byte("default")) + "8190" + user,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := Encode(c.h)
			require.Equal(t, c.want, hex.EncodeToString(b))
			h, err := Decode(b)
			require.NoError(t, err)
			require.Equal(t, c.h, h)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	user := id("a1", 16)
	for name, bad := range map[string]string{
		"nothing":                   "",
		"one byte":                  "10",
		"another version":           "2000",
		"an announced id is cut":    "1001" + user[:30],
		"an announced id is absent": "1003" + user,
		"more than announced":       "1001" + user + "00",
		"a spare bit":               "1010",
		"a trust is cut":            "1020" + "1122",
		"long: nothing":             "18",
		"long: cut":                 "18" + "90" + user,
		"long: more after":          "18" + "000000" + "0000" + "000000" + "00" + "00" + "00",
		"long: text too long":       "18" + "41" + id("61", 65) + "0000" + "0000" + "000000" + "00" + "00",
		"long: hex too long":        "18" + "a1" + id("61", 33) + "0000" + "0000" + "000000" + "00" + "00",
		"long: target of no kind":   "18" + "000000" + "0000" + "000000" + "00" + "01" + "0000",
		"long: OAuth1 bit":          "1c" + "000000" + "0000" + "000000" + "00" + "00",
		"long: more than there is":  "18" + "000000" + "ff00",
		"longer than any":           "1000" + id("00", 16*10),
	} {
		b, err := hex.DecodeString(bad)
		require.NoError(t, err)
		_, err = Decode(b)
		require.Error(t, err, name)
	}
}

// TestEncodeLeavesOut in the documented order, one thing after the other, whatever is too much.
func TestEncodeLeavesOut(t *testing.T) {
	list := func(c string, n, count int) []string {
		l := make([]string, count)
		for i := range l {
			l[i] = id(c, n)
		}
		return l
	}
	full := Hints{
		Kind: KindProject, UserID: id("a", 32), ScopeID: id("b", 32), OtherUserID: id("c", 32), TrustIDs: list("d", 16, 9),
		BetweenIDs: list("e", 32, 3), RootAudit: id("f", 16), AccessTokenID: id("1", 32), ConsumerID: id("2", 32),
		GroupIDs: list("3", 32, 300), InheritedFrom: []store.Target{store.OnDomain("default"), store.OnSystem()},
	}
	got, err := Decode(Encode(full))
	require.NoError(t, err)
	want := full
	want.InheritedFrom, want.GroupIDs, want.BetweenIDs, want.TrustIDs = nil, nil, nil, full.TrustIDs[:7]
	require.Equal(t, want, got)

	many := Hints{Kind: KindProject, UserID: id("a", 32), ScopeID: id("b", 32), GroupIDs: list("3", 32, 300)}
	got, err = Decode(Encode(many))
	require.NoError(t, err)
	require.Len(t, got.GroupIDs, 7)
	require.Len(t, Encode(got), 2+32+7*16)

	x := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct{ h, want Hints }{
		"user too long": {
			Hints{Kind: KindProject, UserID: x(65), ScopeID: id("b", 32), RootAudit: id("f", 16)},
			Hints{RootAudit: id("f", 16)},
		},
		"scope too long": {Hints{Kind: KindProject, UserID: id("a", 32), ScopeID: x(1000)}, Hints{}},
		"root too long":  {Hints{UserID: id("a", 32), RootAudit: x(65)}, Hints{UserID: id("a", 32)}},
		"others too long": {
			Hints{UserID: id("a", 32), OtherUserID: x(65), AccessTokenID: x(65), ConsumerID: id("b", 32)},
			Hints{UserID: id("a", 32)},
		},
		"some of a list too long": {
			Hints{UserID: id("a", 32), GroupIDs: []string{id("1", 32), x(65), id("2", 32)}, InheritedFrom: []store.Target{store.OnDomain(x(65))}},
			Hints{UserID: id("a", 32), GroupIDs: []string{id("1", 32), id("2", 32)}, InheritedFrom: []store.Target{}},
		},
		"imported ids of everybody": {
			Hints{Kind: KindProject, UserID: x(64), ScopeID: x(64), OtherUserID: x(64), TrustIDs: []string{id("1", 16)}},
			Hints{Kind: KindProject, UserID: x(64), ScopeID: x(64)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.h
			got, err := Decode(Encode(c.h))
			require.NoError(t, err)
			if len(c.want.InheritedFrom) == 0 {
				c.want.InheritedFrom = nil
			}
			require.Equal(t, c.want, got)
			require.Equal(t, before, c.h, "what was given is not changed")
		})
	}
}

// TestShorter leaves out what is dearest to carry and cheapest to do without first: what is
// needed to find the row's chain goes last.
func TestShorter(t *testing.T) {
	h := Hints{
		Kind: KindProject, UserID: "u", ScopeID: "s", OtherUserID: "o", TrustIDs: []string{"1", "2"}, BetweenIDs: []string{"b"},
		RootAudit: "r", AccessTokenID: "a", ConsumerID: "c", GroupIDs: []string{"g", "h"}, InheritedFrom: []store.Target{store.OnSystem()},
	}
	for n, without := range []func(*Hints){
		func(h *Hints) { h.InheritedFrom = nil }, func(h *Hints) { h.GroupIDs = []string{"g"} }, func(h *Hints) { h.GroupIDs = nil },
		func(h *Hints) { h.BetweenIDs = nil }, func(h *Hints) { h.TrustIDs = []string{"1"} },
		func(h *Hints) { h.AccessTokenID, h.ConsumerID = "", "" }, func(h *Hints) { h.OtherUserID = "" },
		func(h *Hints) { h.TrustIDs = nil }, func(h *Hints) { *h = Hints{RootAudit: "r"} }, func(h *Hints) { *h = Hints{} },
	} {
		want := h
		without(&want)
		h = h.shorter()
		for _, list := range []*[]string{&h.GroupIDs, &h.BetweenIDs} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if len(h.InheritedFrom) == 0 {
			h.InheritedFrom = nil
		}
		require.Equal(t, want, h, "step %d", n+1)
	}
}

// hints draws ids of every form, and lists that often fit and sometimes do not.
func hints(t *rapid.T) Hints {
	digits := func(n int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789abcdef")), n, n, n)
	}
	ids := rapid.OneOf(digits(32), digits(32), digits(64), rapid.Just("default"), rapid.StringN(0, 64, 64), rapid.Just(""))
	uuids := digits(32)
	if rapid.Bool().Draw(t, "foreign ids") {
		uuids = ids
	}
	shorts := digits(16)
	list := func(g *rapid.Generator[string], most int, name string) []string {
		l := rapid.SliceOfN(g, 0, most).Draw(t, name)
		if len(l) == 0 {
			return nil
		}
		return l
	}
	maybe := func(g *rapid.Generator[string]) *rapid.Generator[string] { return rapid.OneOf(g, rapid.Just("")) }
	h := Hints{
		Kind:   Kind(rapid.IntRange(0, 3).Draw(t, "kind")), //nolint:gosec // G115: 0 to 3
		UserID: maybe(uuids).Draw(t, "user"), ScopeID: maybe(uuids).Draw(t, "scope"), OtherUserID: maybe(uuids).Draw(t, "other"),
		TrustIDs: list(shorts, 5, "trusts"), BetweenIDs: list(uuids, 3, "between"), RootAudit: maybe(shorts).Draw(t, "root"),
		AccessTokenID: maybe(uuids).Draw(t, "access"), ConsumerID: maybe(uuids).Draw(t, "consumer"), GroupIDs: list(uuids, 6, "groups"),
	}
	for _, id := range list(ids, 2, "inherited") {
		target := store.OnProject(id)
		if rapid.Bool().Draw(t, "domain") {
			target = store.OnDomain(id)
		}
		if rapid.Bool().Draw(t, "below") {
			target = target.Below()
		}
		h.InheritedFrom = append(h.InheritedFrom, target)
	}
	return h
}

// TestHintsSurvive: what fits comes back as it was; what does not fit gives a prefix of it
// that does, and nothing that was not there.
func TestHintsSurvive(t *testing.T) {
	var fitting, cut int
	rapid.Check(t, func(t *rapid.T) {
		h := hints(t)
		b := Encode(h)
		if len(b) > maxPayload {
			t.Fatalf("%d bytes", len(b))
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("decode %x: %v", b, err)
		}
		if len(h.encode()) <= maxPayload {
			fitting++
			require.Equal(t, h, got)
			return
		}
		cut++
		require.Contains(t, []string{h.UserID, ""}, got.UserID)
		require.Contains(t, []string{h.ScopeID, ""}, got.ScopeID)
		require.Contains(t, []string{h.RootAudit, ""}, got.RootAudit)
		for _, l := range [][2][]string{{h.TrustIDs, got.TrustIDs}, {h.BetweenIDs, got.BetweenIDs}, {h.GroupIDs, got.GroupIDs}} {
			require.LessOrEqual(t, len(l[1]), len(l[0]))
			for i := range l[1] {
				require.Equal(t, l[0][i], l[1][i])
			}
		}
	})
	require.Positive(t, fitting)
	require.Positive(t, cut)
}

// FuzzDecode: hostile bytes never panic, and what decodes is encoded to an equal value.
func FuzzDecode(f *testing.F) {
	for _, h := range tokenSizes() {
		f.Add(Encode(h.hints))
	}
	f.Add(Encode(Hints{Kind: KindDomain, UserID: id("a", 64), ScopeID: "default", InheritedFrom: []store.Target{store.OnDomain("default").Below()}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(h))
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}
