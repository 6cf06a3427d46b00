package oauth1

import (
	"crypto/rand"
	"math/big"
	"strings"

	"mandate/shared/problem"
	"mandate/shared/secret"
)

// symbols are those of a verifier: none that people take for another (oauth1.md section 2).
const symbols = "abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// verifierLength is how many symbols a verifier has, each at most once.
const verifierLength = 8

// tries is how many verifiers a consumer may present before the user has to authorise
// anew: a person mistypes, a program guesses.
const tries = 5

// newVerifier draws a verifier.
func newVerifier() secret.Text {
	left := []byte(symbols)
	var drawn strings.Builder
	for range verifierLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(left))))
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		at := int(n.Int64())
		drawn.WriteByte(left[at])
		left = append(left[:at], left[at+1:]...)
	}
	return secret.New(drawn.String())
}

// checkVerifier judges the form of a presented verifier (O-073).
func checkVerifier(v string) error {
	if len(v) != verifierLength || strings.Trim(v, symbols) != "" {
		return problem.Invalid(paramVerifier, "must be the eight letters and digits that the user was shown")
	}
	return nil
}
