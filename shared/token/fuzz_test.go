package token

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
)

// FuzzOpen: no text opens but those that were minted, letter for letter, and none makes
// the code panic. What is tried is a text as it comes, and a minted one with a part of it
// replaced by that text.
func FuzzOpen(f *testing.F) {
	ring, associated := newTestRing(f), associatedWith(id("e", 32))
	var minted []string
	for _, c := range tokenSizes() {
		text, _, err := mint(ring, associated, c.hints)
		require.NoError(f, err)
		minted = append(minted, text.Reveal())
	}
	for n := range minted {
		f.Add(uint8(n), uint8(0), "")
		f.Add(uint8(n), uint8(40), "A")
		f.Add(uint8(n), uint8(250), "=")
	}
	for _, text := range []string{"", "=", "\r\n", "AQ", "é", "gAAAAABnPj8", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(uint8(3), uint8(6), text)
	}
	f.Fuzz(func(t *testing.T, which, at uint8, text string) {
		whole := minted[int(which)%len(minted)]
		cut := min(int(at), len(whole))
		for _, tried := range []string{text, whole[:cut] + text, whole[:cut] + text + whole[min(cut+len(text), len(whole)):], text + whole} {
			sealed, err := unwire(secret.New(tried))
			if err == nil {
				require.Equal(t, tried, wireBase64.EncodeToString(sealed), "a token has one text")
				_, _, err = open(ring, associated, sealed)
			}
			require.Equal(t, slices.Contains(minted, tried), err == nil, "%q", tried)
			if err != nil {
				require.ErrorIs(t, err, ErrNotAToken)
			}
		}
	})
}
