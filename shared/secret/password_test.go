package secret

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
)

// keystoneHashes were written by Keystone's and passlib's own code; testdata/passwords.py
// says by which versions and how.
//
//go:embed testdata/passwords.json
var keystoneHashes []byte

type vector struct{ Name, Password, Hash string }

func vectors(t testing.TB) []vector {
	t.Helper()
	var vs []vector
	require.NoError(t, json.Unmarshal(keystoneHashes, &vs))
	require.Greater(t, len(vs), 20)
	return vs
}

func TestVerifyKeystoneHashes(t *testing.T) {
	hasher := NewHasher()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			longest := keystoneLongest
			if strings.HasPrefix(v.Hash, "$2") {
				longest = bcryptLongest
			}
			ok, rehash, err := hasher.Verify(t.Context(), v.Hash, New(v.Password))
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, len(v.Password) <= longest, rehash, "what was cut off is not rehashed")

			ok, rehash, err = hasher.Verify(t.Context(), v.Hash, New("y"+v.Password))
			require.NoError(t, err)
			require.False(t, ok, "another password")
			require.False(t, rehash)
			if n := len(v.Password); n > 0 && n <= longest {
				ok, _, err = hasher.Verify(t.Context(), v.Hash, New(v.Password[:n-1]))
				require.NoError(t, err)
				require.False(t, ok, "all but the last byte")
			}
		})
	}
}

func TestHashAndVerify(t *testing.T) {
	hasher := NewHasher()
	long := strings.Repeat("long ", 1000)
	for _, password := range []string{"", "secret", "пароль", "with\x00nul", long} {
		hash, err := hasher.Hash(t.Context(), New(password))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
		ok, rehash, err := hasher.Verify(t.Context(), hash, New(password))
		require.NoError(t, err)
		require.True(t, ok)
		require.False(t, rehash)
		ok, _, err = hasher.Verify(t.Context(), hash, New(password+"x"))
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func TestVerifyWantsRehashOfOtherParameters(t *testing.T) {
	hash, err := argon2id.CreateHash("secret", &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	ok, rehash, err := NewHasher().Verify(t.Context(), hash, New("secret"))
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, rehash)
}

func TestVerifyRefusesMalformedHashes(t *testing.T) {
	const salt, key = "YII25WZeZqDI2uRpn/TQsg", "ukqhcTurYAQ5gViPJk8OnuKC0qOoRDTvIv14CJPHVQI"
	for name, hash := range map[string]string{
		"empty":                       "",
		"plain text":                  "secret",
		"kind not known":              "$6$rounds=5000$salt$abcdefgh",
		"argon2id no passes":          "$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key,
		"argon2id no lanes":           "$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + key,
		"argon2id too much memory":    "$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key,
		"argon2id too many passes":    "$argon2id$v=19$m=19456,t=1000,p=1$" + salt + "$" + key,
		"argon2id without key":        "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$",
		"argon2id short key":          "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$AAAA",
		"argon2id more after":         "$argon2id$v=19$m=19456,t=2,p=1x$" + salt + "$" + key,
		"argon2id other version":      "$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"argon2i":                     "$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"bcrypt cost 31":              "$2b$31$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoDa",
		"bcrypt cost 3":               "$2b$03$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoDa",
		"bcrypt cost +4":              "$2b$+4$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoDa",
		"bcrypt short":                "$2b$12$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoD",
		"bcrypt long":                 "$2b$12$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoDaa",
		"bcrypt other alphabet":       "$2b$12$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZo==",
		"bcrypt with the old bug":     "$2x$12$d6tsVYqm0Tyx70mYcjVWqeh0j8uQopKAoF5MvYE0M90dWSxBGZoDa",
		"bcrypt_sha256 version 1":     "$bcrypt-sha256$2a,12$ILl5dLBAsKUEv5Rt94OT1O$S2J/enmZ1Q8NnnjCjirMtaAK6SgafwC",
		"bcrypt_sha256 cost 31":       "$bcrypt-sha256$v=2,t=2b,r=31$ILl5dLBAsKUEv5Rt94OT1O$S2J/enmZ1Q8NnnjCjirMtaAK6SgafwC",
		"bcrypt_sha256 short":         "$bcrypt-sha256$v=2,t=2b,r=12$ILl5dLBAsKUEv5Rt94OT1O$S2J/enmZ1Q8NnnjC",
		"scrypt too much memory":      "$scrypt$ln=22,r=8,p=1$" + salt + "$" + key,
		"scrypt ln 0":                 "$scrypt$ln=0,r=8,p=1$" + salt + "$" + key,
		"scrypt ln 64":                "$scrypt$ln=64,r=8,p=1$" + salt + "$" + key,
		"scrypt r 0":                  "$scrypt$ln=16,r=0,p=1$" + salt + "$" + key,
		"scrypt p missing":            "$scrypt$ln=16,r=8$" + salt + "$" + key,
		"scrypt parameters twice":     "$scrypt$ln=16,r=8,p=1,p=1$" + salt + "$" + key,
		"scrypt parameters reordered": "$scrypt$r=8,ln=16,p=1$" + salt + "$" + key,
		"scrypt key not base64":       "$scrypt$ln=16,r=8,p=1$" + salt + "$" + key[1:] + "!",
		"scrypt key with stray bits":  "$scrypt$ln=16,r=8,p=1$" + salt + "$" + key[:len(key)-1] + "J",
		"scrypt without key":          "$scrypt$ln=16,r=8,p=1$" + salt + "$",
		"pbkdf2 no rounds":            "$pbkdf2-sha512$0$" + salt + "$" + key,
		"pbkdf2 too many rounds":      "$pbkdf2-sha512$2000000000$" + salt + "$" + key,
		"pbkdf2 rounds written twice": "$pbkdf2-sha512$010$" + salt + "$" + key,
		"pbkdf2 more after":           "$pbkdf2-sha512$10$" + salt + "$" + key + "$",
	} {
		t.Run(name, func(t *testing.T) {
			ok, rehash, err := NewHasher().Verify(t.Context(), hash, New(""))
			require.ErrorIs(t, err, ErrMalformedHash)
			require.False(t, ok)
			require.False(t, rehash)
			if hash != "" {
				require.NotContains(t, err.Error(), hash, "hashes do not get into logs")
			}
		})
	}
}

// FuzzParseHash: what parses prints as it came, parses to the same again, and can be
// computed without a panic where that is cheap.
func FuzzParseHash(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Hash)
	}
	f.Add(unmatched.String())
	f.Add("$argon2id$v=19$m=64,t=1,p=1$YII25WZeZqDI2uRpn/TQsg$ukqhcTurYAQ5gViPJk8OnuKC0qOoRDTvIv14CJPHVQI")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformedHash)
			return
		}
		if h.String() != text {
			require.Equal(t, strings.ReplaceAll(text, ".", "+"), h.String())
		}
		again, err := parseHash(h.String())
		require.NoError(t, err)
		require.Equal(t, h, again)
		if cheap(h) {
			_, err = h.matches([]byte("a password"))
			require.NoError(t, err)
		}
	})
}

func cheap(h passwordHash) bool {
	switch h := h.(type) {
	case argon2idHash:
		return h.params.Memory*h.params.Iterations <= 1024
	case bcryptHash:
		return h.text[4:6] == "04"
	case bcryptSHA256Hash:
		return h.cost == 4
	case scryptHash:
		return h.r*h.p<<h.ln <= 1<<10
	case pbkdf2Hash:
		return h.rounds <= 100
	default:
		return false
	}
}

// TestEveryFailureCosts one argon2id of today at least, whatever made it fail. Times are
// medians, and the bound is loose, because other work shares the machine; leaving out the
// work altogether is off by a factor of ten and more.
func TestEveryFailureCosts(t *testing.T) {
	hasher := NewHasher()
	password := New("wrong")
	stored, err := hasher.Hash(t.Context(), New("right"))
	require.NoError(t, err)
	weak, err := argon2id.CreateHash("right", &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	reference := median(func() { burn(password) })

	verify := func(hash string, password Text) func() {
		return func() {
			_, _, err := hasher.Verify(t.Context(), hash, password)
			require.NoError(t, err)
		}
	}
	for name, do := range map[string]func(){
		"unknown user":                 func() { require.NoError(t, hasher.Burn(t.Context(), password)) },
		"wrong password":               verify(stored, password),
		"right password":               verify(stored, New("right")),
		"wrong, against bcrypt 4":      verify("$2b$04$NGwLasdHVCDzbgyfQEMetOs7iNfIbjbbrpQh4bpVnR1Og2ya.52wq", password),
		"wrong, against weak argon2id": verify(weak, password),
		"right, but cut off":           verify("$2b$04$JpRiqzeNE17pjUx6Xk/hnO.3FJcSGQEXuiglrW2ZK7AQbgs6MeXOi", New(strings.Repeat("0123456789ab", 6)+"tail")),
	} {
		took := median(do)
		require.Greater(t, took, reference/3, name)
		t.Logf("%-30s %v", name, took)
	}
}

func median(do func()) time.Duration {
	times := make([]time.Duration, 5)
	for i := range times {
		start := time.Now()
		do()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2]
}

func TestHashesAtOnceAreBounded(t *testing.T) {
	hasher := &Hasher{slots: make(chan struct{}, 1), patience: time.Hour}
	leave, err := hasher.enter(t.Context())
	require.NoError(t, err)

	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	require.ErrorIs(t, hasher.Burn(ctx, New("x")), cause)
	_, err = hasher.Hash(ctx, New("x"))
	require.ErrorIs(t, err, ErrBusy)
	_, _, err = hasher.Verify(ctx, unmatched.String(), New("x"))
	require.ErrorIs(t, err, ErrBusy)

	hasher.patience = time.Millisecond
	require.ErrorIs(t, hasher.Burn(t.Context(), New("x")), ErrBusy)

	leave()
	hasher.patience = time.Hour
	require.NoError(t, hasher.Burn(t.Context(), New("x")), "a slot is free again")
	require.NoError(t, hasher.Burn(t.Context(), New("x")), "and was left")
}

func BenchmarkBurn(b *testing.B) {
	hasher := NewHasher()
	for b.Loop() {
		if err := hasher.Burn(b.Context(), New("password")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyKeystoneDefaults(b *testing.B) {
	hasher := NewHasher()
	for _, v := range vectors(b) {
		if !strings.Contains(v.Name, "by default") {
			continue
		}
		b.Run(strings.ReplaceAll(v.Name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				if ok, _, err := hasher.Verify(b.Context(), v.Hash, New(v.Password)); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
