package token

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"mandate/shared/secret"
	"mandate/shared/store"
)

// Hints are what a token's text holds: the ids of the items that its validation will
// read, so that one trip can fetch them all. They are never believed: the token's row says
// everything, and a hint that is missing costs a trip and nothing else.
type Hints struct {
	Kind          Kind
	UserID        string         // who authenticated
	ScopeID       string         // project or domain
	OtherUserID   string         // the other party of a trust: its trustor
	TrustIDs      []string       // the trust, then its ancestors upward; first 16 hex digits of each
	BetweenIDs    []string       // everybody else in the trusts above
	RootAudit     string         // root of the chain, first 16 hex digits; "" in the root itself
	AccessTokenID string         // id of an OAuth1 access token …
	ConsumerID    string         // … and of its consumer
	GroupIDs      []string       // groups of hers, or of a trust's trustor, whose grants contribute
	InheritedFrom []store.Target // targets whose inherited grants contribute; Inherited: those of the groups
}

// Kind is the kind of scope in hints.
type Kind uint8

// Kinds of scope. The zero one comes with no ScopeID.
const (
	KindUnscoped Kind = iota
	KindProject
	KindDomain
	KindSystem
)

// The layout is made for ids of 32 hex digits, as Keystone and Mandate draw them, because
// the whole token must not exceed 255 characters. All forms begin with
//
//	byte 0   version (4 bits) | long form (1) | OAuth1 (1) | kind of scope (2)
//
// The short form follows with
//
//	byte 1   number of trusts (3) | 0 (1) | root (1) | other user (1) | scope (1) | user (1)
//
// and what byte 1 announces, without any length: user, scope and other user 16 bytes
// each, root 8, access token and consumer 16 each when byte 0 says OAuth1, trusts 8 each.
// The rest is ids of 16 bytes: with trusts the users between, otherwise groups.
//
// Whatever the short form cannot say (`default`, imported ids, inherited grants) is said
// in the long form: all fields in the order of [Hints], each text with a byte before it,
// each list with its count before it (a byte). The byte before a text is its length, or 0x80 and
// half its length when it is even and all lower-case hex digits, which are then packed.
const (
	layoutVersion = 1

	bitLong   = 1 << 3
	bitOAuth1 = 1 << 2
	maskKind  = 1<<2 - 1

	bitUser     = 1 << 0
	bitScope    = 1 << 1
	bitOther    = 1 << 2
	bitRoot     = 1 << 3
	shiftTrusts = 5

	packed = 0x80
)

// Lengths of ids in characters, and bounds of what is kept.
const (
	idLength    = 32
	shortLength = 16
	maxTrusts   = 1<<(8-shiftTrusts) - 1 // that the short form can count
	maxCount    = 255                    // of a list; far fewer fit
	maxID       = 64                     // as Keystone's longest column of an id

	// maxText is how long a token may be: v2.0 and many clients hold no more.
	maxText    = 255
	maxPayload = maxText*6/8 - secret.SealedOverhead
)

var errLayout = errors.New("not a token's payload")

// Encode writes what fits of the hints into maxPayload bytes. When not all fits, the
// dearest and least needed are left out first, each list from its end: inherited grants,
// groups, users between, ancestors from the top, access token and consumer, the other
// user, the trust; then all but the root; then that.
func Encode(h Hints) []byte {
	h = h.encodable()
	for {
		b := h.encode()
		if len(b) <= maxPayload {
			return b
		}
		h = h.shorter()
	}
}

// encodable leaves out ids that no form can hold.
func (h Hints) encodable() Hints {
	tooLong := func(id string) bool { return len(id) > maxID }
	if tooLong(h.RootAudit) {
		h.RootAudit = ""
	}
	if tooLong(h.UserID) || tooLong(h.ScopeID) {
		return Hints{RootAudit: h.RootAudit}
	}
	if tooLong(h.OtherUserID) {
		h.OtherUserID = ""
	}
	if tooLong(h.AccessTokenID) || tooLong(h.ConsumerID) {
		h.AccessTokenID, h.ConsumerID = "", ""
	}
	without := func(ids []string) []string {
		ids = ids[:min(maxCount, len(ids))]
		if !slices.ContainsFunc(ids, tooLong) {
			return ids
		}
		return slices.DeleteFunc(slices.Clone(ids), tooLong)
	}
	h.TrustIDs, h.BetweenIDs, h.GroupIDs = without(h.TrustIDs), without(h.BetweenIDs), without(h.GroupIDs)
	foreign := func(t store.Target) bool { return tooLong(t.ID) || targetByte(t) == 0 }
	if slices.ContainsFunc(h.InheritedFrom, foreign) {
		h.InheritedFrom = slices.DeleteFunc(slices.Clone(h.InheritedFrom), foreign)
	}
	h.InheritedFrom = h.InheritedFrom[:min(maxCount, len(h.InheritedFrom))]
	return h
}

// shorter leaves out the next thing.
func (h Hints) shorter() Hints {
	switch {
	case len(h.InheritedFrom) > 0:
		h.InheritedFrom = h.InheritedFrom[:len(h.InheritedFrom)-1]
	case len(h.GroupIDs) > 0:
		h.GroupIDs = h.GroupIDs[:len(h.GroupIDs)-1]
	case len(h.BetweenIDs) > 0:
		h.BetweenIDs = h.BetweenIDs[:len(h.BetweenIDs)-1]
	case len(h.TrustIDs) > 1:
		h.TrustIDs = h.TrustIDs[:len(h.TrustIDs)-1]
	case h.AccessTokenID != "" || h.ConsumerID != "":
		h.AccessTokenID, h.ConsumerID = "", ""
	case h.OtherUserID != "":
		h.OtherUserID = ""
	case len(h.TrustIDs) > 0:
		h.TrustIDs = nil
	case h.UserID != "" || h.ScopeID != "":
		h = Hints{RootAudit: h.RootAudit}
	default:
		h = Hints{}
	}
	return h
}

func (h Hints) encode() []byte {
	b := make([]byte, 1, maxPayload)
	b[0] = layoutVersion<<4 | byte(h.Kind)&maskKind
	if h.isShort() {
		return h.appendShort(b)
	}
	return h.appendLong(b)
}

// isShort reports whether the short form can say all.
func (h Hints) isShort() bool {
	id := func(s string) bool { return isHex(s, idLength) }
	noID := func(s string) bool { return !id(s) }
	none := func(s string) bool { return s == "" }
	notShort := func(s string) bool { return !isHex(s, shortLength) }
	return (none(h.UserID) || id(h.UserID)) && (none(h.ScopeID) || id(h.ScopeID)) && (none(h.OtherUserID) || id(h.OtherUserID)) &&
		(none(h.RootAudit) || isHex(h.RootAudit, shortLength)) &&
		(none(h.AccessTokenID) && none(h.ConsumerID) || id(h.AccessTokenID) && id(h.ConsumerID)) &&
		len(h.TrustIDs) <= maxTrusts && !slices.ContainsFunc(h.TrustIDs, notShort) &&
		!slices.ContainsFunc(h.GroupIDs, noID) && !slices.ContainsFunc(h.BetweenIDs, noID) &&
		(len(h.GroupIDs) == 0 || len(h.TrustIDs) == 0) && (len(h.BetweenIDs) == 0 || len(h.TrustIDs) > 0) &&
		len(h.InheritedFrom) == 0
}

func (h Hints) appendShort(b []byte) []byte {
	b = append(b, byte(len(h.TrustIDs))<<shiftTrusts) //nolint:gosec // G115: at most maxTrusts
	one := func(id string, bit byte) {
		if id != "" {
			b[1] |= bit
			b = appendHex(b, id)
		}
	}
	one(h.UserID, bitUser)
	one(h.ScopeID, bitScope)
	one(h.OtherUserID, bitOther)
	one(h.RootAudit, bitRoot)
	if h.AccessTokenID != "" {
		b[0] |= bitOAuth1
		b = appendHex(appendHex(b, h.AccessTokenID), h.ConsumerID)
	}
	for _, list := range [][]string{h.TrustIDs, h.BetweenIDs, h.GroupIDs} {
		for _, id := range list {
			b = appendHex(b, id)
		}
	}
	return b
}

func (h Hints) appendLong(b []byte) []byte {
	b[0] |= bitLong
	b = appendText(b, h.UserID, h.ScopeID, h.OtherUserID)
	b = appendTexts(b, h.TrustIDs)
	b = appendTexts(b, h.BetweenIDs)
	b = appendText(b, h.RootAudit, h.AccessTokenID, h.ConsumerID)
	b = appendTexts(b, h.GroupIDs)
	b = append(b, byte(len(h.InheritedFrom))) //nolint:gosec // G115: encodable cut it to less
	for _, t := range h.InheritedFrom {
		b = appendText(append(b, targetByte(t)), t.ID)
	}
	return b
}

func appendTexts(b []byte, list []string) []byte {
	return appendText(append(b, byte(len(list))), list...) //nolint:gosec // G115: encodable cut it to less
}

func appendText(b []byte, texts ...string) []byte {
	for _, s := range texts {
		if len(s) > 0 && len(s)%2 == 0 && isHex(s, len(s)) {
			b = appendHex(append(b, packed|byte(len(s)/2)), s) //nolint:gosec // G115: at most maxID
		} else {
			b = append(append(b, byte(len(s))), s...) //nolint:gosec // G115: at most maxID
		}
	}
	return b
}

// Kinds of inherited target in the long form, with a bit for Target.Inherited.
const (
	targetProject   = 1
	targetDomain    = 2
	targetInherited = 0x80
)

// targetByte is 0 for a target that nothing is inherited from.
func targetByte(t store.Target) byte {
	var b byte
	switch t.Kind {
	case store.KindProject:
		b = targetProject
	case store.KindDomain:
		b = targetDomain
	default:
		return 0
	}
	if t.Inherited {
		b |= targetInherited
	}
	return b
}

// Decode reads what Encode wrote.
func Decode(b []byte) (Hints, error) {
	if len(b) < 2 || len(b) > maxPayload || b[0]>>4 != layoutVersion {
		return Hints{}, errLayout
	}
	if b[0]&bitLong != 0 {
		return decodeLong(b)
	}
	return decodeShort(b)
}

// decodeShort turns all bytes into hex digits at once and cuts the ids out of them: one
// allocation for all.
func decodeShort(b []byte) (Hints, error) {
	digits, has := hex.EncodeToString(b[2:]), b[1]
	enough := true
	cut := func(wanted bool, n int) string {
		if !wanted || !enough {
			return ""
		}
		if enough = len(digits) >= n; !enough {
			return ""
		}
		id := digits[:n]
		digits = digits[n:]
		return id
	}
	oauth1, trusts := b[0]&bitOAuth1 != 0, int(has>>shiftTrusts)
	h := Hints{Kind: Kind(b[0] & maskKind)}
	h.UserID = cut(has&bitUser != 0, idLength)
	h.ScopeID = cut(has&bitScope != 0, idLength)
	h.OtherUserID = cut(has&bitOther != 0, idLength)
	h.RootAudit = cut(has&bitRoot != 0, shortLength)
	h.AccessTokenID = cut(oauth1, idLength)
	h.ConsumerID = cut(oauth1, idLength)
	h.TrustIDs = slice(trusts)
	for range trusts {
		h.TrustIDs = append(h.TrustIDs, cut(true, shortLength))
	}
	if !enough || len(digits)%idLength != 0 || has&(1<<4) != 0 {
		return Hints{}, errLayout
	}
	rest := slice(len(digits) / idLength)
	for range cap(rest) {
		rest = append(rest, cut(true, idLength))
	}
	if trusts > 0 {
		h.BetweenIDs = rest
	} else {
		h.GroupIDs = rest
	}
	return h, nil
}

// slice is nil for nothing, so that what was encoded is what is decoded.
func slice(n int) []string {
	if n == 0 {
		return nil
	}
	return make([]string, 0, n)
}

func decodeLong(b []byte) (Hints, error) {
	r := reader{b: b[1:]}
	h := Hints{Kind: Kind(b[0] & maskKind)}
	h.UserID, h.ScopeID, h.OtherUserID = r.text(), r.text(), r.text()
	h.TrustIDs, h.BetweenIDs = r.texts(), r.texts()
	h.RootAudit, h.AccessTokenID, h.ConsumerID = r.text(), r.text(), r.text()
	h.GroupIDs = r.texts()
	for range r.byte() {
		kind := r.byte()
		t := store.Target{ID: r.text(), Inherited: kind&targetInherited != 0}
		switch kind &^ targetInherited {
		case targetProject:
			t.Kind = store.KindProject
		case targetDomain:
			t.Kind = store.KindDomain
		default:
			r.broken = true
		}
		if r.broken {
			break
		}
		h.InheritedFrom = append(h.InheritedFrom, t)
	}
	if r.broken || len(r.b) > 0 || b[0]&bitOAuth1 != 0 {
		return Hints{}, errLayout
	}
	return h, nil
}

// reader takes the long form apart. Once broken it gives zeros.
type reader struct {
	b      []byte
	broken bool
}

func (r *reader) take(n int) []byte {
	if r.broken || n > len(r.b) {
		r.broken = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) text() string {
	n := r.byte()
	var s string
	if n&packed != 0 {
		s = hex.EncodeToString(r.take(int(n &^ packed)))
	} else {
		s = string(r.take(int(n)))
	}
	r.broken = r.broken || len(s) > maxID
	return s
}

func (r *reader) texts() []string {
	var list []string
	for range r.byte() {
		if list = append(list, r.text()); r.broken {
			return nil
		}
	}
	return list
}

// isHex reports whether s is n lower-case hex digits.
func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

// appendHex packs hex digits that isHex found to be such.
func appendHex(b []byte, digits string) []byte {
	for i := 0; i+1 < len(digits); i += 2 {
		b = append(b, nibble(digits[i])<<4|nibble(digits[i+1]))
	}
	return b
}

func nibble(digit byte) byte {
	if digit <= '9' {
		return digit - '0'
	}
	return digit - 'a' + 10
}
