package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// ErrMalformedHash says that a stored password hash is of no known kind, is not written
// as that kind is, or would take more work than any deployment asks for.
var ErrMalformedHash = errors.New("malformed password hash")

// Bounds on the work that a stored hash may ask for, so that one damaged or hostile hash
// cannot hold a function until its timeout. Keystone's defaults are bcrypt 12, scrypt
// ln=16 r=8 p=1 (64 MiB) and pbkdf2 25,000.
const (
	maxBcryptCost   = 16
	maxMemory       = 256 << 20 // bytes, scrypt and argon2id
	maxPasses       = 16        // argon2id's t, and the p of both
	maxPBKDF2Rounds = 5_000_000
	maxSaltBytes    = 128 // Keystone writes at most 96
	maxKeyBytes     = 128
)

// passwordHash is a stored hash that was parsed: well formed and within bounds.
type passwordHash interface {
	// matches computes the hash of a password and compares in constant time.
	matches(password []byte) (bool, error)
	// longest is how many bytes of a password the writer of the hash looked at; it
	// silently cut off the rest. 0: all of it.
	longest() int
	// String is the hash as it is stored.
	String() string
}

// Kinds of hash by the beginning of their text.
var parsers = []struct {
	prefix string
	parse  func(text string) (passwordHash, error)
}{
	{"$argon2id$", parseArgon2id},
	{"$2b$", parseBcrypt},
	{"$2a$", parseBcrypt},
	{"$2y$", parseBcrypt},
	{"$bcrypt-sha256$", parseBcryptSHA256},
	{"$scrypt$", parseScrypt},
	{"$pbkdf2-sha512$", parsePBKDF2},
}

// parseHash reads a stored hash. Only what the writer would write is accepted: printing
// the result gives the text back (but for "." that passlib wrote for "+").
func parseHash(text string) (passwordHash, error) {
	for _, p := range parsers {
		if !strings.HasPrefix(text, p.prefix) {
			continue
		}
		h, err := p.parse(text)
		if err == nil && h.String() != text && h.String() != strings.ReplaceAll(text, ".", "+") {
			err = errors.New("not in its usual form")
		}
		if err != nil {
			return nil, fmt.Errorf("%w of kind %s: %w", ErrMalformedHash, p.prefix, err)
		}
		return h, nil
	}
	return nil, fmt.Errorf("%w: kind not known", ErrMalformedHash)
}

// CheckHash fails with ErrMalformedHash unless [Hasher.Verify] can check passwords against
// the hash. It is for hashes that come from elsewhere.
func CheckHash(text string) error {
	_, err := parseHash(text)
	return err
}

// Keystone 30 cuts passwords at [identity] max_password_length, by default 4,096 bytes, and
// at 72 for bcrypt, which sees no more (keystone.common.password_hashing).
const (
	keystoneLongest = 4096
	bcryptLongest   = 72
)

// argon2idHash is what is written today.
type argon2idHash struct {
	params    argon2id.Params
	salt, key []byte
}

func parseArgon2id(text string) (passwordHash, error) {
	params, salt, key, err := argon2id.DecodeHash(text)
	if err != nil {
		return nil, err
	}
	switch {
	case params.Iterations < 1 || params.Iterations > maxPasses,
		params.Parallelism < 1 || params.Parallelism > maxPasses,
		params.Memory < 8 || params.Memory > maxMemory/1024:
		return nil, errors.New("parameters out of bounds")
	}
	return argon2idHash{*params, salt, key}, checkLengths(salt, key)
}

func (h argon2idHash) matches(password []byte) (bool, error) {
	match, _, err := argon2id.CheckHash(string(password), h.String())
	return match, err
}

func (argon2idHash) longest() int { return 0 }

func (h argon2idHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.Memory, h.params.Iterations, h.params.Parallelism, encode(h.salt), encode(h.key))
}

// bcryptHash is a bcrypt hash in crypt form, "$2b$12$" salt digest: [identity]
// password_hash_algorithm = bcrypt, Keystone's default.
type bcryptHash struct{ text string }

func parseBcrypt(text string) (passwordHash, error) {
	const costAt, saltAt, length = len("$2b$"), len("$2b$12$"), len("$2b$12$") + 22 + 31
	if len(text) != length || text[saltAt-1] != '$' || !bcryptText(text[saltAt:]) {
		return nil, errors.New("not in crypt form")
	}
	_, err := bcryptCost(text[costAt : saltAt-1])
	return bcryptHash{text}, err
}

func bcryptCost(s string) (int, error) {
	cost, err := number(s, maxBcryptCost)
	if err == nil && cost < bcrypt.MinCost {
		err = errors.New("cost out of bounds")
	}
	return cost, err
}

// bcryptText reports whether s is written in bcrypt's own base64 alphabet.
func bcryptText(s string) bool {
	return strings.Trim(s, "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func (h bcryptHash) matches(password []byte) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(h.text), password)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

func (bcryptHash) longest() int { return bcryptLongest }

func (h bcryptHash) String() string { return h.text }

// bcryptSHA256Hash is passlib's bcrypt_sha256, version 2: bcrypt of the base64 of
// HMAC-SHA-256 of the password, keyed with the text of the salt.
type bcryptSHA256Hash struct {
	cost         int
	salt, digest string // in bcrypt's base64
}

func parseBcryptSHA256(text string) (passwordHash, error) {
	var h bcryptSHA256Hash
	f := strings.Split(text, "$") // "", "bcrypt-sha256", "v=2,t=2b,r=12", salt, digest
	if len(f) != 5 || len(f[3]) != 22 || len(f[4]) != 31 || !bcryptText(f[3]) || !bcryptText(f[4]) {
		return nil, errors.New("not in passlib's form")
	}
	cost, ok := strings.CutPrefix(f[2], "v=2,t=2b,r=")
	if !ok {
		return nil, errors.New("version not known")
	}
	var err error
	h.cost, err = bcryptCost(cost)
	h.salt, h.digest = f[3], f[4]
	return h, err
}

func (h bcryptSHA256Hash) matches(password []byte) (bool, error) {
	mac := hmac.New(sha256.New, []byte(h.salt))
	mac.Write(password)
	inner := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return bcryptHash{fmt.Sprintf("$2b$%02d$%s%s", h.cost, h.salt, h.digest)}.matches([]byte(inner))
}

func (bcryptSHA256Hash) longest() int { return keystoneLongest }

func (h bcryptSHA256Hash) String() string {
	return fmt.Sprintf("$bcrypt-sha256$v=2,t=2b,r=%d$%s$%s", h.cost, h.salt, h.digest)
}

// scryptHash is scrypt as passlib writes it; ln is the logarithm of N.
type scryptHash struct {
	ln, r, p  int
	salt, key []byte
}

func parseScrypt(text string) (passwordHash, error) {
	f := strings.Split(text, "$") // "", "scrypt", "ln=16,r=8,p=1", salt, key
	if len(f) != 5 {
		return nil, errors.New("not in passlib's form")
	}
	var h scryptHash
	var err error
	for i, param := range strings.Split(f[2], ",") {
		name, value, _ := strings.Cut(param, "=")
		switch {
		case err != nil:
		case i == 0 && name == "ln":
			h.ln, err = number(value, 24)
		case i == 1 && name == "r":
			h.r, err = number(value, 1024)
		case i == 2 && name == "p":
			h.p, err = number(value, maxPasses)
		default:
			err = errors.New("parameters not in passlib's form")
		}
	}
	if err != nil {
		return nil, err
	}
	if h.ln < 1 || h.r < 1 || h.p < 1 || 128*h.r<<h.ln > maxMemory {
		return nil, errors.New("parameters out of bounds")
	}
	h.salt, h.key, err = saltAndKey(f[3], f[4])
	return h, err
}

func (h scryptHash) matches(password []byte) (bool, error) {
	key, err := scrypt.Key(password, h.salt, 1<<h.ln, h.r, h.p, len(h.key))
	return subtle.ConstantTimeCompare(key, h.key) == 1, err
}

func (scryptHash) longest() int { return keystoneLongest }

func (h scryptHash) String() string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", h.ln, h.r, h.p, encode(h.salt), encode(h.key))
}

// pbkdf2Hash is PBKDF2 with HMAC-SHA-512 as passlib writes it.
type pbkdf2Hash struct {
	rounds    int
	salt, key []byte
}

func parsePBKDF2(text string) (passwordHash, error) {
	f := strings.Split(text, "$") // "", "pbkdf2-sha512", rounds, salt, key
	if len(f) != 5 {
		return nil, errors.New("not in passlib's form")
	}
	var h pbkdf2Hash
	var err error
	if h.rounds, err = number(f[2], maxPBKDF2Rounds); err != nil {
		return nil, err
	}
	if h.rounds < 1 {
		return nil, errors.New("rounds out of bounds")
	}
	h.salt, h.key, err = saltAndKey(f[3], f[4])
	return h, err
}

func (h pbkdf2Hash) matches(password []byte) (bool, error) {
	key, err := pbkdf2.Key(sha512.New, string(password), h.salt, h.rounds, len(h.key))
	return subtle.ConstantTimeCompare(key, h.key) == 1, err
}

func (pbkdf2Hash) longest() int { return keystoneLongest }

func (h pbkdf2Hash) String() string {
	return fmt.Sprintf("$pbkdf2-sha512$%d$%s$%s", h.rounds, encode(h.salt), encode(h.key))
}

// number reads digits only, up to a bound.
func number(s string, most int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, errors.New("a parameter is not a number")
	}
	if int(n) > most {
		return 0, errors.New("parameters out of bounds")
	}
	return int(n), nil
}

// saltAndKey reads base64 without padding, which passlib wrote with "." for "+".
func saltAndKey(salt, key string) (s, k []byte, err error) {
	decode := func(text string) []byte {
		b, e := base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(text, ".", "+"))
		if e != nil {
			err = errors.New("salt or key is not base64")
		}
		return b
	}
	if s, k = decode(salt), decode(key); err != nil {
		return nil, nil, err
	}
	return s, k, checkLengths(s, k)
}

// checkLengths wants a key that says something: of a shorter one, many passwords match.
func checkLengths(salt, key []byte) error {
	if len(salt) > maxSaltBytes || len(key) < 16 || len(key) > maxKeyBytes {
		return errors.New("salt or key too short or too long")
	}
	return nil
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// cut is what a hash's writer looked at of a password.
func cut(h passwordHash, password []byte) (seen []byte, whole bool) {
	if n := h.longest(); n > 0 && len(password) > n {
		return bytes.Clone(password[:n]), false
	}
	return password, true
}
